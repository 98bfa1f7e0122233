// Light, dark, or as the system says: kept in this browser, drawn by Bootstrap's `data-bs-theme`.
import { ref } from 'vue';

/** @typedef {'light' | 'dark' | 'auto'} Theme */

const STORED = 'dispatch.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const stored = localStorage.getItem(STORED);

/** @type {import('vue').Ref<Theme>} */
export const theme = ref(stored === 'light' || stored === 'dark' ? stored : 'auto');

/** @param {Theme} value */
export function setTheme(value) {
  theme.value = value;
  localStorage.setItem(STORED, value);
  draw();
}

function draw() {
  const dark = theme.value === 'dark' || (theme.value === 'auto' && system.matches);
  document.documentElement.dataset.bsTheme = dark ? 'dark' : 'light';
}

system.addEventListener('change', draw);
draw();
