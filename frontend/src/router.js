// Addresses and their screens, loaded when first opened; who may see them.
import { nextTick } from 'vue';
import { createRouter, createWebHistory } from 'vue-router';

import { safeNext } from './features/auth/next.js';
import { mayOpen } from './features/auth/roles.js';
import { restoreSession, session } from './features/auth/session.js';
import { i18n } from './i18n/index.js';
import { followNavigation } from './ui/leaving.js';
import EitherLayout from './features/home/EitherLayout.vue';
import PublicLayout from './features/home/PublicLayout.vue';
import { loadShell } from './features/home/shell.js';

const AppShell = () => import('./features/home/AppShell.vue');
const MailingForm = () => import('./features/mailings/MailingForm.vue');
const ArticleEditor = () => import('./features/articles/ArticleEditor.vue');
const MessageEditor = () => import('./features/messages/MessageEditor.vue');

/**
 * `title` is a key of i18n; `guest` pages are for those who are not signed in, `staff` pages for managers and
 * administrators, `owners` pages for those who may have mailings of their own.
 * @type {import('vue-router').RouteRecordRaw[]}
 */
const open = [
  { path: '', name: 'home', component: () => import('./features/home/HomePage.vue') },
  {
    path: 'sign-up',
    name: 'sign-up',
    component: () => import('./features/auth/SignUpPage.vue'),
    meta: { title: 'auth.sign_up', guest: true },
  },
  {
    path: 'sign-in',
    name: 'sign-in',
    component: () => import('./features/auth/SignInPage.vue'),
    meta: { title: 'auth.sign_in', guest: true },
  },
  {
    path: 'check-mail',
    name: 'check-mail',
    component: () => import('./features/auth/CheckMailPage.vue'),
    meta: { title: 'auth.check_mail' },
  },
  {
    path: 'confirm',
    name: 'confirm',
    component: () => import('./features/auth/ConfirmPage.vue'),
    meta: { title: 'auth.confirm' },
  },
  {
    path: 'forgot',
    name: 'forgot',
    component: () => import('./features/auth/ForgotPage.vue'),
    meta: { title: 'auth.forgot' },
  },
  {
    path: 'reset',
    name: 'reset',
    component: () => import('./features/auth/ResetPage.vue'),
    meta: { title: 'auth.reset' },
  },
];

/** Open to all, and in the menu of those who are signed in. @type {import('vue-router').RouteRecordRaw[]} */
const either = [
  {
    path: 'blog',
    name: 'blog',
    component: () => import('./features/articles/BlogPage.vue'),
    meta: { title: 'articles.blog' },
  },
  {
    path: 'blog/:slug',
    name: 'article',
    component: () => import('./features/articles/ArticlePage.vue'),
    meta: { title: 'articles.one' },
  },
];

/** @type {import('vue-router').RouteRecordRaw[]} */
const inside = [
  {
    path: 'dashboard',
    name: 'dashboard',
    component: () => import('./features/home/DashboardPage.vue'),
    meta: { title: 'menu.dashboard' },
  },
  {
    path: 'recipients',
    name: 'recipients',
    component: () => import('./features/recipients/RecipientsPage.vue'),
    meta: { title: 'menu.recipients' },
  },
  {
    path: 'suppressions',
    name: 'suppressions',
    component: () => import('./features/suppressions/SuppressionsPage.vue'),
    meta: { title: 'suppressions.title' },
  },
  {
    path: 'messages',
    name: 'messages',
    component: () => import('./features/messages/MessagesPage.vue'),
    meta: { title: 'menu.messages' },
  },
  {
    path: 'messages/new',
    name: 'new-message',
    component: MessageEditor,
    meta: { title: 'messages.new', owners: true },
  },
  { path: 'messages/:id(\\d+)', name: 'message', component: MessageEditor, meta: { title: 'messages.edit' } },
  {
    path: 'mailings',
    name: 'mailings',
    component: () => import('./features/mailings/MailingsPage.vue'),
    meta: { title: 'menu.mailings' },
  },
  { path: 'mailings/new', name: 'new-mailing', component: MailingForm, meta: { title: 'mailings.new', owners: true } },
  {
    path: 'mailings/:id(\\d+)',
    name: 'mailing',
    component: () => import('./features/mailings/MailingPage.vue'),
    meta: { title: 'mailings.one' },
  },
  {
    path: 'mailings/:id(\\d+)/edit',
    name: 'edit-mailing',
    component: MailingForm,
    meta: { title: 'mailings.edit', owners: true },
  },
  { path: 'log', name: 'log', component: () => import('./features/attempts/LogPage.vue'), meta: { title: 'menu.log' } },
  {
    path: 'statistics',
    name: 'statistics',
    component: () => import('./features/stats/StatisticsPage.vue'),
    meta: { title: 'menu.statistics' },
  },
  {
    path: 'articles',
    name: 'articles',
    component: () => import('./features/articles/ArticlesPage.vue'),
    meta: { title: 'menu.articles', staff: true },
  },
  { path: 'articles/new', name: 'new-article', component: ArticleEditor, meta: { title: 'articles.new', staff: true } },
  {
    path: 'articles/:id(\\d+)',
    name: 'edit-article',
    component: ArticleEditor,
    meta: { title: 'articles.one', staff: true },
  },
  {
    path: 'users',
    name: 'users',
    component: () => import('./features/users/UsersPage.vue'),
    meta: { title: 'menu.users', staff: true },
  },
  {
    path: 'events',
    name: 'events',
    component: () => import('./features/events/EventsPage.vue'),
    meta: { title: 'menu.events', staff: true },
  },
  {
    path: 'profile',
    component: () => import('./features/profile/ProfilePage.vue'),
    children: [
      {
        path: '',
        name: 'profile',
        component: () => import('./features/profile/PersonalTab.vue'),
        meta: { title: 'menu.profile' },
      },
      {
        path: 'security',
        name: 'security',
        component: () => import('./features/profile/SecurityTab.vue'),
        meta: { title: 'profile.tabs.security' },
      },
      {
        path: 'sessions',
        name: 'sessions',
        component: () => import('./features/sessions/SessionsTab.vue'),
        meta: { title: 'profile.tabs.sessions' },
      },
      {
        path: 'tokens',
        name: 'tokens',
        component: () => import('./features/tokens/TokensTab.vue'),
        meta: { title: 'profile.tabs.tokens' },
      },
      {
        path: 'smtp-servers',
        name: 'smtp-servers',
        component: () => import('./features/smtp-servers/ServersTab.vue'),
        meta: { title: 'profile.tabs.smtp-servers', owners: true },
      },
    ],
  },
];

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', component: PublicLayout, children: open },
    { path: '/', component: EitherLayout, meta: { either: true }, children: either },
    {
      path: '/letter',
      name: 'letter',
      component: () => import('./features/letters/LetterPage.vue'),
      meta: { title: 'letters.title', stranger: true },
    },
    {
      path: '/unsubscribe',
      name: 'unsubscribe',
      component: () => import('./features/unsubscribe/UnsubscribePage.vue'),
      meta: { title: 'unsubscribe.page', stranger: true },
    },
    { path: '/', component: AppShell, meta: { inside: true }, children: inside },
    {
      path: '/:path(.*)*',
      component: PublicLayout,
      children: [
        {
          path: '',
          name: 'not-found',
          component: () => import('./features/home/NotFoundPage.vue'),
          meta: { title: 'not_found.title' },
        },
      ],
    },
  ],
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? undefined : { top: 0 }),
});

followNavigation(router);

router.beforeEach(async (to) => {
  if (to.meta.stranger) return true; // for those who have no account: nothing is asked about a session
  if (to.meta.either) {
    // Its layout depends on the session; replacing it later would discard what is being typed.
    await restoreSession().catch(() => undefined);
    if (session.user) await loadShell();
    return true;
  }
  if (!to.meta.inside && !to.meta.guest) {
    void restoreSession().catch(() => undefined); // the page is open to all; its menu follows when the answer is there
    return true;
  }
  await restoreSession();
  if (to.meta.inside && !session.user) return { name: 'sign-in', query: { next: to.fullPath } };
  if (to.meta.guest && session.user) return safeNext(to.query.next);
  if (!mayOpen(to.meta, session.user)) {
    return { name: 'not-found', params: { path: to.path.slice(1).split('/') }, query: to.query, hash: to.hash };
  }
  return true;
});

router.afterEach((to, from, failure) => {
  if (failure) return;
  setTitle();
  // A reader of screens begins at the new page; the first page is announced anyway.
  if (from.matched.length && to.path !== from.path)
    void nextTick(() => document.getElementById('main')?.focus({ preventScroll: true }));
});

/** The page's name in the window's title, again when the language changes. */
export function setTitle() {
  const { title } = router.currentRoute.value.meta;
  document.title = typeof title === 'string' ? `${i18n.global.t(title)} · Dispatch` : 'Dispatch';
}
