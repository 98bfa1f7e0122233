// The focus comes back to where it was when what lay over the page is closed.

/**
 * Remembers where the focus is. Gives it back when called: to the button of a menu that has closed meanwhile, to the page
 * when what had it is gone.
 */
export function keepFocus() {
  const here = document.activeElement;
  const menu = here?.closest('.dropdown')?.querySelector('[data-bs-toggle="dropdown"]');
  return () => {
    const back = [menu ?? here, document.getElementById('main')].find(
      (element) => element instanceof HTMLElement && element.isConnected && element !== document.body,
    );
    if (back instanceof HTMLElement) back.focus({ preventScroll: true });
  };
}
