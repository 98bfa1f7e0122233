// The message for a field error, by its code; for template errors with position and suggestion.
import { useI18n } from 'vue-i18n';

/** @returns {(found: Pick<Api.FieldError, 'code' | 'template'>) => string} */
export function useFieldText() {
  const { t, te } = useI18n();

  /** @param {NonNullable<Api.FieldError['template']>} template */
  function templateText({ kind, line, column, found, suggestion }) {
    const what = t(`template.${kind}`, { found: kind === 'unknown_placeholder' ? `{{ ${found} }}` : found });
    const name = suggestion && (kind === 'unknown_filter' ? suggestion : `{{ ${suggestion} }}`);
    const text = name ? `${what} ${t('template.meant', { name })}` : what;
    return line ? t('template.at', { line, column, text }) : text;
  }

  return ({ code, template }) => {
    if (template && te(`template.${template.kind}`)) return templateText(template);
    return t(te(`fields.${code}`) ? `fields.${code}` : 'fields.unknown_value');
  };
}
