// All Russian texts in one piece.

/** @type {Record<string, Record<string, any>>} */
const parts = import.meta.glob('./*.json', { eager: true, import: 'default' });

export default Object.assign({}, ...Object.values(parts));
