// How a state looks: the tone of its badge and its icon.

/** @typedef {'neutral' | 'info' | 'success' | 'warning' | 'danger'} Tone */
/** @typedef {{tone: Tone, icon: keyof typeof import('../../ui/icons.js').icons}} Look */

/** @type {Record<Api.Outcome | Exclude<Api.DeliveryStatus, Api.Outcome>, Look>} */
export const deliveryLooks = {
  pending: { tone: 'neutral', icon: 'clock' },
  accepted: { tone: 'success', icon: 'check-circle' },
  deferred: { tone: 'warning', icon: 'hourglass-split' },
  rejected: { tone: 'danger', icon: 'x-circle' },
  unreachable: { tone: 'danger', icon: 'plug' },
  uncertain: { tone: 'warning', icon: 'question-circle' },
  expired: { tone: 'neutral', icon: 'calendar-x' },
  skipped: { tone: 'neutral', icon: 'skip-forward-circle' },
};

/** @type {Record<Api.Run['status'], Look>} */
export const runLooks = {
  running: { tone: 'info', icon: 'send' },
  paused: { tone: 'warning', icon: 'pause-circle' },
  finished: { tone: 'success', icon: 'check-circle' },
  cancelled: { tone: 'neutral', icon: 'stop-circle' },
  missed: { tone: 'neutral', icon: 'calendar-x' },
  skipped_overlap: { tone: 'neutral', icon: 'skip-forward-circle' },
};

/** @type {Record<Api.MailingStatus, Look>} */
const mailingLooks = {
  created: { tone: 'neutral', icon: 'clock' },
  running: { tone: 'info', icon: 'send' },
  completed: { tone: 'success', icon: 'check-circle' },
};
/** Reasons somebody should look at. */
const TROUBLE = ['disabled', 'owner_blocked', 'paused', 'mail_server_unreachable', 'no_recipients'];

/** @param {Pick<Api.Mailing, 'status' | 'state_reason'>} mailing @returns {Look} */
export function mailingLook({ status, state_reason }) {
  return TROUBLE.includes(state_reason) ? { tone: 'warning', icon: 'exclamation-triangle' } : mailingLooks[status];
}
