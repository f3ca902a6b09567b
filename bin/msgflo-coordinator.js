#!/usr/bin/env node
// Started by msgflo, never by hand: it takes its settings and its orders for processes from there.
import { runCoordinator } from '../dist/cli/coordinator-process.js';

process.exitCode = await runCoordinator(process.env, process);
