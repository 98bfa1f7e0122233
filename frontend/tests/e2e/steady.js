// Controls that move without having been touched: whoever is about to click one of them hits another.

/** @typedef {import('@playwright/test').Page} Page */

/**
 * From now on the page remembers which of its controls have moved, and for how far, other than by scrolling.
 * @param {Page} page
 */
export const watchControls = (page) =>
  page.addInitScript(() => {
    const CONTROLS = 'main :is(a, button, input, select, textarea)';
    /** @type {WeakMap<Element, {x: number, y: number}>} */
    const places = new WeakMap();
    /** @type {Set<string>} */
    const moved = new Set();
    const look = () => {
      for (const control of document.querySelectorAll(CONTROLS)) {
        const { left, top, width, height } = control.getBoundingClientRect();
        if (!width || !height) continue;
        const place = { x: Math.round(left + window.scrollX), y: Math.round(top + window.scrollY) };
        const before = places.get(control);
        places.set(control, place);
        if (!before) continue;
        const by = Math.abs(place.x - before.x) + Math.abs(place.y - before.y);
        const name = control.getAttribute('aria-label') || control.textContent?.trim() || control.id || control.tagName;
        if (by > 1) moved.add(`${name}: ${place.x - before.x}, ${place.y - before.y}`);
      }
      requestAnimationFrame(look);
    };
    Object.assign(window, { movedControls: moved });
    requestAnimationFrame(look);
  });

/** What has moved since the page began, or since it was last asked. @param {Page} page @returns {Promise<string[]>} */
export const movedOn = (page) =>
  page.evaluate(() => {
    const moved = /** @type {{movedControls?: Set<string>}} */ (window).movedControls ?? new Set();
    const all = [...moved];
    moved.clear();
    return all;
  });
