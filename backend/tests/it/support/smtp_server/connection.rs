//! One connection of the scripted server: the usual answers, unless a rule says otherwise.

use std::{future, io, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time,
};

use super::{Action, At, Mail, Shared, setup::Encryption};

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    shared: Arc<Shared>,
    number: usize,
    encrypted: bool,
    authenticated: bool,
    is_surplus: bool,
    from: Option<String>,
    to: Vec<String>,
    /// Number of bodies answered.
    mails: usize,
    /// Whose rules apply: the last recipient named, before that the sender.
    whom: String,
}

/// Counts a connection while it is open.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.state().open -= 1;
    }
}

pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (number, is_surplus) = {
        let mut state = shared.state();
        state.connections += 1;
        state.open += 1;
        let allowed = state.allowed.unwrap_or(shared.setup.max_connections);
        (state.connections, state.open > allowed)
    };
    let _open = Open(Arc::clone(&shared));
    let implicit = shared.setup.encryption == Encryption::Implicit;
    let stream: Box<dyn Stream> = if implicit {
        Box::new(shared.acceptor.accept(stream).await?)
    } else {
        Box::new(stream)
    };
    let mut connection = Connection {
        stream: BufReader::new(stream),
        number,
        encrypted: implicit,
        authenticated: shared.setup.credentials.is_none(),
        is_surplus,
        shared,
        from: None,
        to: Vec::new(),
        mails: 0,
        whom: String::new(),
    };
    connection
        .answer(At::Greeting, "220 scripted ESMTP\r\n")
        .await?;
    loop {
        let line = connection.line().await?;
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        connection.shared.state().commands.push(line.clone());
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => connection.ehlo().await?,
            "HELO" => {
                connection.answer(At::Helo, "250 scripted\r\n").await?;
            }
            "STARTTLS" => connection = connection.starttls().await?,
            "AUTH" => connection.auth(rest).await?,
            "MAIL" => connection.mail(address(rest)).await?,
            "RCPT" => connection.rcpt(address(rest)).await?,
            "DATA" => connection.data().await?,
            "RSET" => {
                connection.forget_mail();
                connection.answer(At::Rset, "250 2.0.0 ok\r\n").await?;
            }
            "QUIT" => return connection.say(b"221 2.0.0 bye\r\n").await,
            _ => connection.say(b"500 5.5.2 unknown command\r\n").await?,
        }
    }
}

/// `FROM:<a@example.org> SIZE=1` → `a@example.org`
fn address(argument: &str) -> String {
    let (_, rest) = argument.split_once('<').unwrap();
    rest.split_once('>').unwrap().0.to_owned()
}

impl Connection {
    /// Says what is usual or what a rule says instead; tells whether it was positive.
    async fn answer(&mut self, at: At, usual: &str) -> io::Result<bool> {
        let setup = &self.shared.setup;
        let rule = if self.is_surplus && at == setup.surplus_at {
            Some(setup.surplus.clone())
        } else {
            self.shared.rule(at, &self.whom)
        };
        self.act(rule.unwrap_or_else(|| Action::Say(usual.into())))
            .await
    }

    async fn act(&mut self, mut action: Action) -> io::Result<bool> {
        loop {
            action = match action {
                Action::After(deed, then) => {
                    (deed.0)();
                    *then
                }
                Action::Late(by, then) => {
                    time::sleep(by).await;
                    *then
                }
                _ => break,
            };
        }
        match action {
            Action::Say(bytes) => {
                self.say(&bytes).await?;
                Ok(matches!(bytes.first(), Some(b'2' | b'3')))
            }
            Action::SayAndClose(bytes) => {
                self.say(&bytes).await?;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            Action::Drop | Action::AcceptAndDrop => Err(io::ErrorKind::ConnectionAborted.into()),
            Action::FallSilent | Action::After(..) | Action::Late(..) => future::pending().await,
        }
    }

    async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        let setup = &self.shared.setup;
        if !setup.reply_delay.is_zero() {
            time::sleep(setup.reply_delay).await;
        }
        for chunk in bytes.chunks(if setup.trickles {
            1
        } else {
            bytes.len().max(1)
        }) {
            self.stream.write_all(chunk).await?;
            self.stream.flush().await?;
        }
        if bytes.starts_with(b"421") {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        }
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await?;
        if line.ends_with(b"\n") {
            Ok(line)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    async fn ehlo(&mut self) -> io::Result<()> {
        let mut lines = vec!["scripted"];
        lines.extend(&self.shared.setup.extensions);
        lines.retain(|line| !self.encrypted || *line != "STARTTLS");
        let usual = format!("250-{}\r\n250 HELP\r\n", lines.join("\r\n250-"));
        self.answer(At::Ehlo, &usual).await.map(drop)
    }

    async fn starttls(mut self) -> io::Result<Self> {
        if !self.answer(At::StartTls, "220 2.0.0 go ahead\r\n").await? {
            return Ok(self);
        }
        let stream = self
            .shared
            .acceptor
            .accept(self.stream.into_inner())
            .await?;
        Ok(Self {
            stream: BufReader::new(Box::new(stream)),
            encrypted: true,
            ..self
        })
    }

    async fn auth(&mut self, argument: &str) -> io::Result<()> {
        let (mechanism, initial) = argument.split_once(' ').unwrap_or((argument, ""));
        let given = if mechanism == "PLAIN" {
            decode(initial)
        } else {
            let mut given = String::new();
            for prompt in ["User Name", "Your secret, please"] {
                self.say(format!("334 {}\r\n", STANDARD.encode(prompt)).as_bytes())
                    .await?;
                let line = self.line().await?;
                given = format!(
                    "{given}\0{}",
                    decode(String::from_utf8_lossy(&line).trim_end())
                );
            }
            given
        };
        let right = self
            .shared
            .setup
            .credentials
            .is_some_and(|(user, password)| given == format!("\0{user}\0{password}"));
        let usual = if right {
            "235 2.7.0 welcome\r\n"
        } else {
            "535 5.7.8 wrong user or password\r\n"
        };
        self.authenticated = self.answer(At::Auth, usual).await? && right;
        Ok(())
    }

    async fn mail(&mut self, from: String) -> io::Result<()> {
        if self.from.is_some() {
            return self.say(b"503 5.5.1 nested MAIL\r\n").await;
        }
        if !self.authenticated {
            return self.say(b"530 5.7.0 authentication required\r\n").await;
        }
        self.whom.clone_from(&from);
        let next = self.shared.rule(At::NextMail, &self.whom);
        let is_taken = match next.filter(|_| self.mails > 0) {
            Some(action) => self.act(action).await?,
            None => self.answer(At::Mail, "250 2.1.0 ok\r\n").await?,
        };
        if is_taken {
            self.from = Some(from);
        }
        Ok(())
    }

    async fn rcpt(&mut self, to: String) -> io::Result<()> {
        if self.from.is_none() {
            return self.say(b"503 5.5.1 MAIL first\r\n").await;
        }
        self.whom.clone_from(&to);
        if self.answer(At::Rcpt, "250 2.1.5 ok\r\n").await? {
            self.to.push(to);
        }
        Ok(())
    }

    async fn data(&mut self) -> io::Result<()> {
        let usual = if self.to.is_empty() {
            "554 5.5.1 no valid recipients\r\n"
        } else {
            "354 go ahead\r\n"
        };
        if !self.answer(At::Data, usual).await? {
            return Ok(());
        }
        let mut data = Vec::new();
        loop {
            let line = self.line().await?;
            if line == b".\r\n" {
                break;
            }
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if let Some(action) = self.shared.rule(At::Body, &self.whom) {
                self.act(action).await?;
            }
        }
        self.dot(data).await
    }

    async fn dot(&mut self, data: Vec<u8>) -> io::Result<()> {
        let usual = if self.to.is_empty() {
            "554 5.5.1 no valid recipients\r\n"
        } else {
            "250 2.0.0 queued\r\n"
        };
        let rule = self.shared.rule(At::Dot, &self.whom);
        let action = rule.unwrap_or_else(|| Action::Say(usual.into()));
        if action.takes_mail() {
            let (from, to) = (self.from.clone().unwrap_or_default(), self.to.clone());
            let mail = Mail {
                from,
                to,
                data,
                connection: self.number,
                encrypted: self.encrypted,
            };
            self.shared.state().accepted.push(mail);
        }
        self.mails += 1;
        self.forget_mail();
        self.act(action).await.map(drop)
    }

    fn forget_mail(&mut self) {
        self.from = None;
        self.to.clear();
    }
}

fn decode(text: &str) -> String {
    String::from_utf8(STANDARD.decode(text).unwrap_or_default()).unwrap_or_default()
}
