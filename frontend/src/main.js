// Starts the page: language, theme, routes.
import 'bootstrap/dist/css/bootstrap.min.css';
import './app.css';
import './ui/pieces.css';
import './ui/tables.css';
import './ui/theme.js';

import { createApp, watch } from 'vue';

import App from './App.vue';
import { session } from './features/auth/session.js';
import { i18n, preferredLanguage, setLanguage } from './i18n/index.js';
import { router, setTitle } from './router.js';

const RELOADED = 'dispatch.reloaded';

// A new version was put in place and this page's chunk is gone: load the new page, once.
addEventListener('vite:preloadError', (event) => {
  if (sessionStorage.getItem(RELOADED) === location.href) return;
  event.preventDefault();
  sessionStorage.setItem(RELOADED, location.href);
  location.reload();
});

await setLanguage(preferredLanguage());

watch(i18n.global.locale, setTitle);
watch(
  () => session.user === null,
  (gone) => {
    const { meta, fullPath } = router.currentRoute.value;
    if (gone && meta.inside) void router.replace({ name: 'sign-in', query: { next: fullPath } });
  },
);

createApp(App).use(i18n).use(router).mount('#app');
