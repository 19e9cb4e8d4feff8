/**
 * Prints what a reader gets whole: a command that ends with its last write loses what a pipe has not taken yet.
 */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      // The reader (`head`) has what it wanted.
      if (error == null || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve();
      else reject(error);
    });
  });
}
