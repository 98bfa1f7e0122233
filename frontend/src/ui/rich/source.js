// The editor for HTML source, loaded when somebody opens the source. Tab leaves it, as it leaves every other field.
import { html } from '@codemirror/lang-html';
import { syntaxHighlighting } from '@codemirror/language';
import { classHighlighter } from '@lezer/highlight';
import { EditorView, basicSetup } from 'codemirror';

/**
 * @typedef {object} Options
 * @property {string} text
 * @property {[number, number]} selection
 * @property {() => Record<string, string>} attributes of what is typed into; asked for again at every change
 * @property {(text: string) => void} changed
 * @property {() => void} focused
 */

/** @param {HTMLElement} parent @param {Options} options */
export function openSource(parent, { text, selection: [anchor, head], attributes, changed, focused }) {
  return new EditorView({
    parent,
    doc: text,
    selection: { anchor, head },
    extensions: [
      basicSetup,
      html(),
      syntaxHighlighting(classHighlighter),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of(attributes),
      EditorView.updateListener.of(({ docChanged, state }) => docChanged && changed(state.doc.toString())),
      EditorView.domEventHandlers({ focus: focused }),
    ],
  });
}
