// What can become a picture of an account: told before megabytes are sent in vain. The server looks into the file itself.
import { ApiError } from '../../api/problem.js';

export const PICTURES = ['image/png', 'image/jpeg', 'image/webp'];
const MOST_BYTES = 5 * 1024 * 1024;

/** @param {Pick<File, 'type' | 'size'>} file @returns {ApiError | null} */
export function pictureProblem({ type, size }) {
  if (!PICTURES.includes(type)) return refusal(422, 'unsupported_image');
  return size > MOST_BYTES ? refusal(413, 'too_large') : null;
}

/** In the server's own words. @param {number} status @param {string} code */
const refusal = (status, code) => new ApiError('validation_failed', status, [{ field: 'image', code, message: '' }]);
