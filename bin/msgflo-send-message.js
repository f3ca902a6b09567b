#!/usr/bin/env node
import { run } from '../dist/cli/command.js';
import { sendMessage } from '../dist/cli/send-message.js';

process.exitCode = await run(sendMessage, process.argv);
