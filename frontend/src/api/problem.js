// What went wrong with a call, as one kind of error: a problem+json answer, or no answer at all.

/** An answer that is not a success. `code` is stable and has a text in i18n under `errors`. */
export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {number} status 0 when there was no answer
   * @param {Api.FieldError[]} fields
   * @param {string | null} requestId what support needs to find the call in the server's log
   */
  constructor(code, status = 0, fields = [], requestId = null) {
    super(`${status} ${code}`);
    this.code = code;
    this.status = status;
    this.fields = fields;
    this.requestId = requestId;
  }

  /**
   * A proxy in between may answer in its own words: then only the status tells.
   * @param {Response} response
   * @param {unknown} body
   */
  static from(response, body) {
    const problem = /** @type {{code?: string, fields?: Api.FieldError[], request_id?: string}} */ (
      body && typeof body === 'object' ? body : {}
    );
    const code = problem.code ?? (response.status >= 502 ? 'unavailable' : 'internal');
    return new ApiError(code, response.status, problem.fields ?? [], problem.request_id ?? null);
  }
}

/** @param {unknown} error @returns {ApiError} */
export function asApiError(error) {
  return error instanceof ApiError ? error : new ApiError('internal');
}

/** A call that was given up because a newer one replaced it. @param {unknown} error */
export function isAborted(error) {
  return error instanceof DOMException && error.name === 'AbortError';
}
