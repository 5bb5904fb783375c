//! The conversation with a mail server (RFC 5321), over TLS (RFC 3207, RFC 8314), with a login (RFC 4954).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_config::config::MailSecurity;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::message::domain;
use super::{MailError, Mailer, Message, Reply};

/// A line longer than this is no reply. Unit: octets.
const LONGEST_LINE: u64 = 4096;

pub(super) async fn send(mailer: &Mailer, to: &str, message: &Message) -> Result<(), MailError> {
    let tcp = TcpStream::connect((mailer.host.as_str(), mailer.port)).await.map_err(unreachable)?;
    match (&mailer.tls, mailer.security) {
        (None, _) | (_, MailSecurity::None) => {
            let mut line = Line::new(tcp);
            line.expect_greeting().await?;
            let can = line.hello(mailer).await?;
            line.deliver(mailer, &can, to, message).await
        }
        (Some(_), MailSecurity::Tls) => {
            let mut line = Line::new(encrypt(mailer, tcp).await?);
            line.expect_greeting().await?;
            let can = line.hello(mailer).await?;
            line.deliver(mailer, &can, to, message).await
        }
        (Some(_), MailSecurity::Starttls) => {
            let mut line = Line::new(tcp);
            line.expect_greeting().await?;
            if line.hello(mailer).await?.ability("STARTTLS").is_none() {
                return Err(MailError::Tls("it offers no STARTTLS, so nothing is sent".to_owned()));
            }
            let ready = line.ask("STARTTLS").await?;
            if ready.code() != 220 {
                return Err(MailError::Tls(ready.said()));
            }
            // What came before TLS is nobody's word: a reply slipped in here must not be read as the server's.
            let tcp = line.into_silent()?;
            let mut line = Line::new(encrypt(mailer, tcp).await?);
            let can = line.hello(mailer).await?;
            line.deliver(mailer, &can, to, message).await
        }
    }
}

async fn encrypt(mailer: &Mailer, tcp: TcpStream) -> Result<tokio_rustls::client::TlsStream<TcpStream>, MailError> {
    let (config, name) = mailer.tls.clone().ok_or(MailError::NotConfigured)?;
    TlsConnector::from(config).connect(name, tcp).await.map_err(|why| MailError::Tls(why.to_string()))
}

fn unreachable(why: std::io::Error) -> MailError {
    MailError::Unreachable(why.to_string())
}

/// A connection that commands and replies go over, one after the other.
struct Line<S>(BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    fn new(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    /// The stream beneath, if nothing more was received than was read.
    fn into_silent(self) -> Result<S, MailError> {
        if self.0.buffer().is_empty() {
            Ok(self.0.into_inner())
        } else {
            Err(MailError::Nonsense("it said more than it was asked before TLS began".to_owned()))
        }
    }

    async fn reply(&mut self) -> Result<Reply, MailError> {
        let mut reply = Reply::default();
        loop {
            let line = read_line(&mut self.0).await?;
            if reply.take(&line)? {
                return Ok(reply);
            }
        }
    }

    async fn put(&mut self, octets: &[u8]) -> Result<(), MailError> {
        self.0.write_all(octets).await.map_err(unreachable)?;
        self.0.flush().await.map_err(unreachable)
    }

    async fn ask(&mut self, command: &str) -> Result<Reply, MailError> {
        let command = Zeroizing::new(format!("{command}\r\n"));
        self.put(command.as_bytes()).await?;
        self.reply().await
    }

    async fn expect_greeting(&mut self) -> Result<(), MailError> {
        let greeting = self.reply().await?;
        if greeting.code() == 220 { Ok(()) } else { Err(MailError::Unwilling(greeting.said())) }
    }

    async fn hello(&mut self, mailer: &Mailer) -> Result<Reply, MailError> {
        let can = self.ask(&format!("EHLO {}", domain(&mailer.from))).await?;
        if can.is_yes() { Ok(can) } else { Err(MailError::Unwilling(can.said())) }
    }

    async fn deliver(&mut self, mailer: &Mailer, can: &Reply, to: &str, message: &Message) -> Result<(), MailError> {
        if let Some((user, password)) = &mailer.login {
            self.login(can, user, password).await?;
        }
        let sender = self.ask(&format!("MAIL FROM:<{}>", mailer.from)).await?;
        if !sender.is_yes() {
            return Err(MailError::Unwilling(sender.said()));
        }
        for command in [format!("RCPT TO:<{to}>"), "DATA".to_owned()] {
            let reply = self.ask(&command).await?;
            if !reply.is_yes() {
                return Err(refused(&reply));
            }
        }
        let mut text = String::new();
        for line in message.encode().split_inclusive("\r\n") {
            // A line that begins with a dot gets another one (RFC 5321 4.5.2).
            if line.starts_with('.') {
                text.push('.');
            }
            text.push_str(line);
        }
        text.push_str(".\r\n");
        self.put(text.as_bytes()).await?;
        let taken = self.reply().await?;
        if !taken.is_yes() {
            return Err(refused(&taken));
        }
        // The letter is theirs now, whatever becomes of the farewell.
        let _ = self.ask("QUIT").await;
        Ok(())
    }

    /// AUTH PLAIN (RFC 4616), else AUTH LOGIN, which some servers have instead.
    async fn login(&mut self, can: &Reply, user: &str, password: &str) -> Result<(), MailError> {
        let ways = can.ability("AUTH").unwrap_or_default();
        let has = |way: &str| ways.iter().any(|one| one.eq_ignore_ascii_case(way));
        let reply = if has("PLAIN") {
            let secret = Zeroizing::new(format!("\0{user}\0{password}"));
            let secret = Zeroizing::new(STANDARD.encode(secret.as_bytes()));
            self.ask(&Zeroizing::new(format!("AUTH PLAIN {}", *secret))).await?
        } else if has("LOGIN") {
            let mut reply = self.ask("AUTH LOGIN").await?;
            for word in [user, password] {
                if reply.code() != 334 {
                    break;
                }
                let word = Zeroizing::new(STANDARD.encode(word));
                reply = self.ask(&word).await?;
            }
            reply
        } else {
            return Err(MailError::Login("it takes neither PLAIN nor LOGIN".to_owned()));
        };
        if reply.code() == 235 { Ok(()) } else { Err(MailError::Login(reply.said())) }
    }
}

fn refused(reply: &Reply) -> MailError {
    MailError::Refused { for_good: reply.is_for_good(), said: reply.said() }
}

/// One line of bounded length, without its line end.
async fn read_line(stream: &mut (impl AsyncBufRead + Unpin)) -> Result<Vec<u8>, MailError> {
    let mut line = Vec::new();
    stream.take(LONGEST_LINE).read_until(b'\n', &mut line).await.map_err(unreachable)?;
    match line.strip_suffix(b"\n") {
        Some(line) => Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec()),
        None if line.is_empty() => Err(MailError::Unreachable("it closed the connection".to_owned())),
        None => Err(MailError::Nonsense("a line without an end".to_owned())),
    }
}
