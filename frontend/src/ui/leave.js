// Leaving a page with changes that are not saved asks first.
import { onBeforeUnmount, onMounted } from 'vue';
import { useI18n } from 'vue-i18n';
import { onBeforeRouteLeave } from 'vue-router';

import { confirm } from './confirm.js';

/** @param {import('vue').Ref<boolean>} dirty */
export function useLeaveGuard(dirty) {
  const { t } = useI18n();
  const warn = (/** @type {BeforeUnloadEvent} */ event) => dirty.value && event.preventDefault();
  onMounted(() => addEventListener('beforeunload', warn));
  onBeforeUnmount(() => removeEventListener('beforeunload', warn));
  onBeforeRouteLeave((to) => {
    if (!dirty.value || to.name === 'sign-in') return true;
    return confirm({ title: t('ui.leave_title'), text: t('ui.leave_text'), action: t('ui.leave'), danger: true });
  });
}
