#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { dumpMessage } from '../dist/cli/dump-message.js';

process.exitCode = await run(dumpMessage, process.argv);
