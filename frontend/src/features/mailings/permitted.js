// What may be done with a mailing as it stands, and by whom. Pure; the server decides again.

/** @typedef {'send' | 'pause' | 'resume' | 'cancel' | 'enable' | 'disable' | 'remove'} Action */
/** @typedef {Pick<Api.Mailing, 'status' | 'state_reason' | 'owner_id' | 'paused_at' | 'disabled' | 'last_run'>} Facts */

/** The engine paused these runs by itself; resuming lifts it. */
const LIFTED_BY_RESUME = ['content_rejected', 'mail_server_defers'];

/** Begun and not ended, whether mails leave now or not. @param {Pick<Api.Run, 'status'>} run */
export const isOpen = (run) => run.status === 'running' || run.status === 'paused';

/** @param {Pick<Api.Mailing, 'owner_id'>} mailing @param {Pick<Api.Me, 'id'> | null} user */
export const isOwn = (mailing, user) => mailing.owner_id === user?.id;

/**
 * The most wanted first: it is the page's primary action.
 * @param {Facts} mailing
 * @param {Pick<Api.Me, 'id' | 'role'> | null} user
 * @param {boolean} [hasOpenRun] where more runs are known than the last one: an older one may have been taken up again
 * @returns {Action[]}
 */
export function actionsOf(mailing, user, hasOpenRun = Boolean(mailing.last_run && isOpen(mailing.last_run))) {
  const own = isOwn(mailing, user) ? actionsOfOwner(mailing, hasOpenRun) : [];
  const staff = user && user.role !== 'user' ? /** @type {const} */ ([mailing.disabled ? 'enable' : 'disable']) : [];
  return [...own, ...staff, ...(isOwn(mailing, user) ? /** @type {const} */ (['remove']) : [])];
}

/** @param {Facts} mailing @param {boolean} hasOpenRun @returns {Action[]} */
function actionsOfOwner({ status, state_reason, paused_at, disabled }, hasOpenRun) {
  const canResume = Boolean(paused_at) || LIFTED_BY_RESUME.includes(state_reason);
  const canSend = !canResume && !hasOpenRun && !disabled && state_reason !== 'owner_blocked';
  const canPause = !paused_at && status !== 'completed';
  const pausesNow = canPause && hasOpenRun && !canResume;
  /** @type {[Action, boolean][]} */
  const actions = [
    ['resume', canResume],
    ['pause', pausesNow],
    ['send', canSend],
    ['cancel', hasOpenRun],
    ['pause', canPause && !pausesNow],
  ];
  return actions.filter(([, may]) => may).map(([action]) => action);
}
