'use strict';
const { reporters } = require('mocha');

/** Mocha's own `spec` report, closed by one line that a program can read: `N passed, N failed`. */
class SummaryReporter extends reporters.Spec {
  /**
   * Called after the global teardown, so that nothing is printed below the line.
   * @override
   * @param {number} failures
   * @param {(failures: number) => void} exit
   */
  done(failures, exit) {
    const { passes, pending } = this.stats;
    const skipped = pending > 0 ? `, ${pending} skipped` : '';
    process.stdout.write(`${passes} passed, ${failures} failed${skipped}\n`);
    exit(failures);
  }
}

module.exports = SummaryReporter;
