//! Progress of a command on stderr: one line that is overwritten on a terminal, otherwise a further line every ten
//! seconds. Results go to stdout.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const TERMINAL_INTERVAL: Duration = Duration::from_millis(500);
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Moves to the beginning of the line and clears it.
const CLEAR_LINE: &str = "\r\x1b[K";

/// Prints a line on stderr; failures are ignored.
pub(super) fn note(line: impl Display) {
    writeln!(io::stderr(), "{line}").ok();
}

/// Prints progress until dropped.
pub(super) struct ProgressLine {
    stop: Option<Sender<()>>,
    printer: Option<JoinHandle<()>>,
}

impl ProgressLine {
    /// Prints what `query` returns whenever that changes.
    pub(super) fn start(query: impl FnMut() -> Option<String> + Send + 'static) -> Self {
        let output = if io::stderr().is_terminal() {
            ProgressOutput {
                writer: io::stderr(),
                interval: TERMINAL_INTERVAL,
                clear: CLEAR_LINE,
            }
        } else {
            ProgressOutput {
                writer: io::stderr(),
                interval: LOG_INTERVAL,
                clear: "",
            }
        };
        Self::start_on(output, query)
    }

    fn start_on(
        mut output: ProgressOutput<impl Write + Send + 'static>,
        mut query: impl FnMut() -> Option<String> + Send + 'static,
    ) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let print = move || {
            let mut printed = String::new();
            while stopped.recv_timeout(output.interval) == Err(RecvTimeoutError::Timeout) {
                if let Some(line) = query().filter(|line| *line != printed) {
                    output.print(&line);
                    printed = line;
                }
            }
            if !printed.is_empty() {
                output.clear();
            }
        };
        let thread = thread::Builder::new().name("progress".to_owned());
        Self {
            stop: Some(stop),
            // Without a thread there is no progress line.
            printer: thread.spawn(print).ok(),
        }
    }
}

/// Where progress is printed, and how often.
struct ProgressOutput<W> {
    writer: W,
    interval: Duration,
    /// Printed before a line to overwrite the previous one; empty if lines are appended.
    clear: &'static str,
}

impl<W: Write> ProgressOutput<W> {
    fn print(&mut self, line: &str) {
        let clear = self.clear;
        let line_end = if clear.is_empty() { "\n" } else { "" };
        write!(self.writer, "{clear}{line}{line_end}").ok();
        self.writer.flush().ok();
    }

    fn clear(&mut self) {
        let clear = self.clear;
        write!(self.writer, "{clear}").ok();
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(printer) = self.printer.take() {
            printer.join().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn printed(clear: &'static str) -> String {
        let written = Written::default();
        let (seen, all_seen) = mpsc::channel();
        let mut lines = ["1 of 3", "1 of 3", "2 of 3"].into_iter();
        let query = move || {
            let line = lines.next().map(str::to_owned);
            if line.is_none() {
                seen.send(()).ok();
            }
            line
        };
        let output = ProgressOutput {
            writer: written.clone(),
            interval: Duration::from_millis(1),
            clear,
        };
        let progress = ProgressLine::start_on(output, query);
        all_seen.recv().unwrap();
        drop(progress);
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_log_gets_each_line_once() {
        assert_eq!(printed(""), "1 of 3\n2 of 3\n");
    }

    #[test]
    fn a_terminal_gets_one_line_that_is_cleared_at_the_end() {
        assert_eq!(printed(CLEAR_LINE), "\r\x1b[K1 of 3\r\x1b[K2 of 3\r\x1b[K");
    }
}
