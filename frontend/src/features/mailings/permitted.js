// What may be done with a mailing as it stands, and by whom. Pure; the server decides again.
import { isOwn, isStaff } from '../auth/roles.js';

/** @typedef {'send' | 'pause' | 'resume' | 'cancel' | 'enable' | 'disable' | 'remove'} Action */
/** @typedef {Pick<Api.Mailing, 'status' | 'state_reason' | 'owner' | 'paused_at' | 'disabled' | 'last_run'>} Facts */

/** The engine paused these runs by itself; resuming lifts it. */
const LIFTED_BY_RESUME = ['content_rejected', 'recipients_refused', 'mail_server_defers'];

/** Begun and not ended, whether mails leave now or not. @param {Pick<Api.Run, 'status'>} run */
export const isOpen = (run) => run.status === 'running' || run.status === 'paused';

/**
 * The most wanted first: it is the page's primary action.
 * @param {Facts} mailing
 * @param {import('../auth/roles.js').Somebody} user
 * @returns {Action[]}
 */
export function actionsOf(mailing, user) {
  const own = isOwn(mailing, user) ? actionsOfOwner(mailing) : [];
  const staff = isStaff(user) ? /** @type {const} */ ([mailing.disabled ? 'enable' : 'disable']) : [];
  return [...own, ...staff, ...(isOwn(mailing, user) ? /** @type {const} */ (['remove']) : [])];
}

/** @param {Facts} mailing @returns {Action[]} */
function actionsOfOwner({ status, state_reason, paused_at, disabled, last_run }) {
  const hasOpenRun = Boolean(last_run && isOpen(last_run));
  const canResume = Boolean(paused_at) || LIFTED_BY_RESUME.includes(state_reason);
  const byOthers = Boolean(disabled) || state_reason === 'owner_blocked';
  const canSend = !canResume && !hasOpenRun && !byOthers;
  const canPause = !paused_at && status !== 'completed';
  const pausesNow = canPause && hasOpenRun && !canResume && !byOthers;
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
