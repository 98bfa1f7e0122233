// Dates as the user reads them: in their language and their zone.
import { computed, ref } from 'vue';
import { useI18n } from 'vue-i18n';

import { browserZone } from './zone.js';

/** The zone times are shown in: the signed-in user's, before that the browser's. */
export const displayZone = ref(browserZone());

/** Formatters that follow the language and the zone. */
export function useDates() {
  const { locale } = useI18n();
  /** @param {Intl.DateTimeFormatOptions} options */
  const format = (options) =>
    computed(() => new Intl.DateTimeFormat(locale.value, { timeZone: displayZone.value, ...options }));
  const full = format({ day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' });
  const exact = format({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const day = format({ day: 'numeric', month: 'long', year: 'numeric' });
  return {
    /** 21 Nov 2026, 09:30 @param {string} iso */
    dateTime: (iso) => full.value.format(new Date(iso)),
    /** 21 Nov, 09:30:15: for logs @param {string} iso */
    second: (iso) => exact.value.format(new Date(iso)),
    /** 21 November 2026 @param {string} iso */
    date: (iso) => day.value.format(new Date(iso)),
  };
}
