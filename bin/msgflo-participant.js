#!/usr/bin/env node
import { participant } from '../dist/cli/participant.js';
import { runSharing } from '../dist/cli/shared-process.js';

process.exitCode = await runSharing(participant, process.argv);
