// The entries of the side menu: each role sees its own.
import { mayOpen } from '../auth/roles.js';

/** @typedef {{name: string, icon: keyof typeof import('../../ui/icons.js').icons, staff?: boolean, owners?: boolean}} Entry */

/** @type {Entry[]} */
const entries = [
  { name: 'dashboard', icon: 'speedometer2' },
  { name: 'mailings', icon: 'send' },
  { name: 'new-mailing', icon: 'plus-lg', owners: true },
  { name: 'messages', icon: 'envelope-paper' },
  { name: 'recipients', icon: 'people' },
  { name: 'suppressions', icon: 'envelope-slash' },
  { name: 'log', icon: 'journal-text' },
  { name: 'statistics', icon: 'graph-up' },
  { name: 'articles', icon: 'pencil-square', staff: true },
  { name: 'users', icon: 'person-gear', staff: true },
  { name: 'events', icon: 'clock-history', staff: true },
  { name: 'blog', icon: 'newspaper' },
  { name: 'profile', icon: 'person-circle' },
];

/** @param {import('../auth/roles.js').Somebody} user */
export const menuOf = (user) => entries.filter((entry) => mayOpen(entry, user));
