// @ts-check
// What processes have used, from Linux's /proc.
import fs from 'node:fs';

/** Of a tick, the unit of processor time in /proc; the same on every Linux. */
const MICROSECONDS = 10_000;

/**
 * The most memory a process ever had, in MB (2^20 bytes).
 * @param {number} pid
 */
export function peakMemory(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

/**
 * Processor time of a process and its children, the ended ones too, in microseconds.
 * @param {number} pid
 */
export function processorTime(pid) {
  let ticks = 0;
  for (const entry of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [parent = 0, own = 0, ended = 0] = times(entry);
    if (Number(entry) === pid) ticks += own + ended;
    else if (parent === pid) ticks += own;
  }
  return ticks * MICROSECONDS;
}

/**
 * Of one process: its parent, its own ticks, those of its children that have ended.
 * @param {string} pid
 */
function times(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything; after it comes the third field.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
    return [Number(fields[1]), (user ?? 0) + (system ?? 0), (endedUser ?? 0) + (endedSystem ?? 0)];
  } catch {
    return []; // gone in the meantime
  }
}
