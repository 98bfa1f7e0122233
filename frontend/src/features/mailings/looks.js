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

/** @typedef {Api.MailingStatus | 'paused' | 'stopped' | 'disabled'} Word what a badge says: the status, or what keeps it from going on */

/** Somebody should look at it. @type {Look} */
const TROUBLE = { tone: 'warning', icon: 'exclamation-triangle' };

/** @type {Record<Word, Look>} */
const mailingLooks = {
  created: { tone: 'neutral', icon: 'clock' },
  running: { tone: 'info', icon: 'send' },
  completed: { tone: 'success', icon: 'check-circle' },
  paused: { tone: 'warning', icon: 'pause-circle' },
  stopped: { tone: 'danger', icon: 'exclamation-triangle' },
  disabled: { tone: 'warning', icon: 'slash-circle' },
};

/** Stopped: until somebody does something about it. @type {Partial<Record<Api.StateReason, Word>>} */
const WORDS = {
  disabled: 'disabled',
  owner_blocked: 'paused',
  paused: 'paused',
  mail_server_defers: 'paused',
  mail_server_unreachable: 'paused',
  mail_server_does_not_confirm: 'paused',
  quota_used_up: 'paused',
  content_rejected: 'stopped',
  recipients_refused: 'stopped',
  mail_server_refuses: 'stopped',
};

/** @param {Pick<Api.Mailing, 'status' | 'state_reason'>} mailing @returns {Look & {word: Word}} */
export function mailingLook({ status, state_reason }) {
  const word = WORDS[state_reason] ?? status;
  const look = mailingLooks[word];
  return { word, ...look, ...(state_reason === 'no_recipients' ? TROUBLE : {}) };
}
