// @ts-check
// A program for the tests of the supervisor: runs the scenario named on the command line in the folder given there.
import { Supervisor } from '../processes.mjs';

const [home = '', scenario = ''] = process.argv.slice(2);
const supervisor = new Supervisor('test', home);

/**
 * A service that says when it is asked to stop.
 * @param {string} name
 */
const service = (name) => ({
  name,
  command: [
    process.execPath,
    '-e',
    `process.on('SIGTERM', () => { console.log('${name} stops'); process.exit(); });
     console.log('${name} runs', process.pid); setInterval(() => {}, 1000);`,
  ],
});

/** @type {Record<string, () => Promise<void>>} */
const scenarios = {
  async services() {
    await supervisor.start(service('first'));
    await supervisor.start(service('second'));
    await supervisor.forever();
  },
  async crash() {
    await supervisor.start(service('first'));
    await supervisor.start({
      name: 'second',
      command: [process.execPath, '-e', 'process.exit(7)'],
    });
    await supervisor.forever();
  },
  async halt() {
    await supervisor.start(service('first'));
    await supervisor.halt(await supervisor.start(service('second')));
    console.log('went on');
  },
  async step() {
    await supervisor.step(service('long step'));
    console.log('went on');
  },
  async missing() {
    await supervisor.step({ name: 'the build', command: ['no-such-program'] });
  },
};

await supervisor.supervise(scenarios[scenario] ?? (async () => {}));
