// What the mail server said, as it said it: the code, then the words.

/** @param {Pick<Api.Attempt, 'smtp_code' | 'enhanced_code' | 'response'>} attempt */
export function answerOf({ smtp_code, enhanced_code, response }) {
  // Each part only once: some servers repeat the codes in their words.
  const codes = [smtp_code, enhanced_code].filter((code) => code && !response.includes(String(code)));
  return [...codes, response].filter(Boolean).join(' ');
}
