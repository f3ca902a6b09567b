#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { participant } from '../dist/cli/participant.js';

process.exitCode = await run(participant, process.argv);
