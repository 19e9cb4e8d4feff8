/**
 * Questions at the terminal. They go to standard error: standard output carries results only.
 */
import { SensorError, UsageError } from '../../errors.js';
import { printableLine } from '../../printable.js';

export interface Choice {
  readonly value: string;
  readonly description?: string;
}

/** Each question rejects with `Cancelled` on Ctrl-C or end of input. The error names `option` if nobody can be asked. */
export interface Prompter {
  /** Whether anybody is there; if not, optional questions are not asked. */
  readonly interactive: boolean;
  choose(option: string, message: string, choices: readonly Choice[]): Promise<string>;
  ask(option: string, message: string): Promise<string>;
  confirm(option: string, message: string): Promise<boolean>;
}

export class Cancelled extends SensorError {
  constructor() {
    super('interrupted: nothing was changed', 130);
    this.name = 'Cancelled';
  }
}

/** Asks at the terminal. */
export async function terminalPrompter(): Promise<Prompter> {
  const { select, input, confirm } = await import('@inquirer/prompts').catch(() => {
    throw new SensorError(
      'asking needs @inquirer/prompts, which this installation leaves out: give every option as a flag',
    );
  });
  const context = { output: process.stderr };
  return {
    interactive: true,
    choose: (_option, message, choices) =>
      cancellable(
        select(
          {
            message,
            pageSize: 12,
            choices: choices.map(({ value, description }) => ({
              value,
              name: printableLine(description === undefined ? value : `${value}  (${description})`),
            })),
          },
          context,
        ),
      ),
    ask: async (_option, message) => (await cancellable(input({ message, required: true }, context))).trim(),
    confirm: (_option, message) => cancellable(confirm({ message, default: false }, context)),
  };
}

/** Without a terminal (a pipe, a script, CI) each question becomes an error that names the option to give. */
export function refusingPrompter(): Prompter {
  const refuse = (option: string) => Promise.reject(new UsageError(`no terminal to ask at: give ${option}`));
  return { interactive: false, choose: refuse, ask: refuse, confirm: refuse };
}

async function cancellable<Answer>(question: Promise<Answer>): Promise<Answer> {
  try {
    return await question;
  } catch (error) {
    const name = (error as Error).name;
    if (name === 'ExitPromptError' || name === 'AbortPromptError') {
      throw new Cancelled();
    }
    throw error;
  }
}
