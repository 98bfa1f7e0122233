//! How far a command has come, told on stderr: one line that is written anew on a terminal, otherwise a further line now and
//! then. What the command has to say at its end goes to stdout, by itself.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const ON_A_TERMINAL: Duration = Duration::from_millis(500);
const IN_A_LOG: Duration = Duration::from_secs(10);
/// Goes back to the beginning of the line, and empties it.
const ANEW: &str = "\r\x1b[K";

/// Says on stderr what is done next. If nobody can hear it, it is done all the same.
pub(super) fn note(line: impl Display) {
    writeln!(io::stderr(), "{line}").ok();
}

/// Tells how far something has come, until this is dropped.
pub(super) struct Progress {
    end: Option<Sender<()>>,
    telling: Option<JoinHandle<()>>,
}

impl Progress {
    /// `look` says how far it has come, where that can be seen.
    pub(super) fn of(look: impl FnMut() -> Option<String> + Send + 'static) -> Self {
        let (every, anew) = if io::stderr().is_terminal() {
            (ON_A_TERMINAL, ANEW)
        } else {
            (IN_A_LOG, "")
        };
        Self::telling(look, every, (io::stderr(), anew))
    }

    fn telling(
        mut look: impl FnMut() -> Option<String> + Send + 'static,
        every: Duration,
        (mut to, anew): (impl Write + Send + 'static, &'static str),
    ) -> Self {
        let (end, ended) = mpsc::channel::<()>();
        let tell = move || {
            let mut told = String::new();
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                let Some(line) = look().filter(|line| *line != told) else {
                    continue;
                };
                let line_end = if anew.is_empty() { "\n" } else { "" };
                write!(to, "{anew}{line}{line_end}").ok();
                to.flush().ok();
                told = line;
            }
            if !told.is_empty() {
                write!(to, "{anew}").ok();
            }
        };
        let thread = thread::Builder::new().name("progress".to_owned());
        Self {
            end: Some(end),
            // Without it the work is done all the same.
            telling: thread.spawn(tell).ok(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(telling) = self.telling.take() {
            telling.join().ok();
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

    fn told(anew: &'static str) -> String {
        let (written, (seen, all_seen)) = (Written::default(), mpsc::channel());
        let mut lines = ["1 of 3", "1 of 3", "2 of 3"].into_iter();
        let look = move || {
            let line = lines.next().map(str::to_owned);
            if line.is_none() {
                seen.send(()).ok();
            }
            line
        };
        let progress = Progress::telling(look, Duration::from_millis(1), (written.clone(), anew));
        all_seen.recv().unwrap();
        drop(progress);
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_log_gets_plain_lines_and_none_twice() {
        assert_eq!(told(""), "1 of 3\n2 of 3\n");
    }

    #[test]
    fn a_terminal_gets_one_line_that_is_gone_at_the_end() {
        assert_eq!(told(ANEW), "\r\x1b[K1 of 3\r\x1b[K2 of 3\r\x1b[K");
    }
}
