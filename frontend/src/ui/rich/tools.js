// The tools above rich text: what each does, and when it is on.

/** @typedef {import('@tiptap/core').Editor} Editor */
/** @typedef {import('@tiptap/core').ChainedCommands} Chain */
/** @typedef {'bold' | 'italic' | 'heading_1' | 'heading_2' | 'heading_3' | 'bullet_list' | 'ordered_list' | 'quote' | 'link' | 'image' | 'undo' | 'redo'} Tool */
/** `asks`: opens a panel for an address; `run` otherwise. `isOn`: for what can be on and off; `can`: for what is not always possible. */
/** @typedef {{icon: keyof typeof import('../icons.js').icons, asks?: 'link' | 'image', run?: (chain: Chain) => Chain, isOn?: (editor: Editor) => boolean, can?: (editor: Editor) => boolean}} Facts */

/** @param {1 | 2 | 3} level @returns {Facts} */
const heading = (level) => ({
  icon: `type-h${level}`,
  run: (chain) => chain.toggleHeading({ level }),
  isOn: (editor) => editor.isActive('heading', { level }),
});

/** @type {Record<Tool, Facts>} */
export const tools = {
  bold: { icon: 'type-bold', run: (chain) => chain.toggleBold(), isOn: (editor) => editor.isActive('bold') },
  italic: { icon: 'type-italic', run: (chain) => chain.toggleItalic(), isOn: (editor) => editor.isActive('italic') },
  heading_1: heading(1),
  heading_2: heading(2),
  heading_3: heading(3),
  bullet_list: {
    icon: 'list-ul',
    run: (chain) => chain.toggleBulletList(),
    isOn: (editor) => editor.isActive('bulletList'),
  },
  ordered_list: {
    icon: 'list-ol',
    run: (chain) => chain.toggleOrderedList(),
    isOn: (editor) => editor.isActive('orderedList'),
  },
  quote: {
    icon: 'blockquote-left',
    run: (chain) => chain.toggleBlockquote(),
    isOn: (editor) => editor.isActive('blockquote'),
  },
  link: { icon: 'link-45deg', asks: 'link', isOn: (editor) => editor.isActive('link') },
  image: { icon: 'image', asks: 'image' },
  undo: { icon: 'arrow-counterclockwise', run: (chain) => chain.undo(), can: (editor) => editor.can().undo() },
  redo: { icon: 'arrow-clockwise', run: (chain) => chain.redo(), can: (editor) => editor.can().redo() },
};

/** As they stand side by side. @type {Tool[][]} */
export const groups = [
  ['bold', 'italic'],
  ['heading_1', 'heading_2', 'heading_3'],
  ['bullet_list', 'ordered_list', 'quote'],
  ['link', 'image'],
  ['undo', 'redo'],
];
