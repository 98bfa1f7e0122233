// Who may do what, as far as the page shows it; the server decides again.

/** @typedef {Pick<Api.Me, 'id' | 'role'> | null} Somebody */

/** Managers and administrators see what is everybody's. @param {Somebody} user */
export const isStaff = (user) => user?.role === 'manager' || user?.role === 'admin';

/** Managers look after what others have, and have nothing themselves. @param {Somebody} user */
export const mayOwn = (user) => user?.role === 'user' || user?.role === 'admin';

/** @param {{owner: {id: number}}} thing @param {Somebody} user */
export const isOwn = ({ owner }, user) => owner.id === user?.id;

/**
 * Whether a page is for somebody: `staff` pages are for managers and administrators, on `owners` pages something is made.
 * @param {{staff?: unknown, owners?: unknown}} meta
 * @param {Somebody} user
 */
export const mayOpen = ({ staff, owners }, user) => (!staff || isStaff(user)) && (!owners || mayOwn(user));
