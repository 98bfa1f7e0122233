// What can be done with an article from its row and from its page; deleting and hiding ask first.
import { useI18n } from 'vue-i18n';

import { confirm } from '../../ui/confirm.js';
import { useProblemText } from '../../ui/problem.js';
import { toast } from '../../ui/toast.js';
import { deleteArticle, publishArticle, unpublishArticle } from './articles.js';

/** @typedef {Pick<Api.ArticleSummary, 'id' | 'title'>} Subject */

export function useArticleActions() {
  const { t } = useI18n();
  const problemText = useProblemText();

  /** @param {() => Promise<unknown>} work @param {string} done @returns {Promise<boolean>} whether it was done */
  async function run(work, done) {
    try {
      await work();
      toast(done);
      return true;
    } catch (cause) {
      toast(problemText(cause), 'danger');
      return false;
    }
  }

  /** @param {string} action @param {string} what @param {string} button */
  const sure = (action, what, button) =>
    confirm({
      title: t(`articles.${action}_title`),
      text: t(`articles.${action}_text`, { what }),
      action: button,
      danger: true,
    });

  return {
    /** @param {Subject} article */
    publish: ({ id }) => run(() => publishArticle(id), t('articles.published')),
    /** @param {Subject} article */
    unpublish: async ({ id, title }) =>
      (await sure('unpublish', title, t('articles.unpublish'))) &&
      run(() => unpublishArticle(id), t('articles.unpublished')),
    /** @param {Subject} article */
    remove: async ({ id, title }) =>
      (await sure('delete', title, t('ui.delete'))) && run(() => deleteArticle(id), t('articles.deleted')),
  };
}
