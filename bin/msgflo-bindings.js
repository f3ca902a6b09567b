#!/usr/bin/env node
import { bindings } from '../dist/cli/bindings.js';
import { run } from '../dist/cli/command.js';

process.exitCode = await run(bindings, process.argv);
