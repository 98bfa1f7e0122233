// The part of `punycode` that is used: the package has no types, and jsconfig.json points here instead.
export function toUnicode(input: string): string;
