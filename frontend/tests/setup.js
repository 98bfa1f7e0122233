// What the browser has and the test's stand-in lacks.
globalThis.matchMedia ??= () => /** @type {any} */ ({ matches: false, addEventListener: () => undefined });
