// The part of `punycode` that is used; the package has no types.
declare module 'punycode/punycode.es6.js' {
  export function toUnicode(input: string): string;
}
