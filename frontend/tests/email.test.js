// Addresses are shown with their domain in Unicode.
import { describe, expect, test } from 'vitest';

import { shownEmail } from '../src/ui/email.js';

describe('an address', () => {
  test('is shown with its domain in Unicode', () => {
    expect(shownEmail('ann@xn--bcher-kva.example')).toBe('ann@bücher.example');
    expect(shownEmail('info@xn--80a1acny.xn--p1ai')).toBe('info@почта.рф');
    expect(shownEmail('xn--ann@example.org')).toBe('xn--ann@example.org');
  });

  test('that cannot be decoded is shown as it is', () => {
    expect(shownEmail('ann@xn--99999999.example')).toBe('ann@xn--99999999.example');
  });
});
