//! The conversation, with a mail server of a few lines in the same process.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// How a server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// No TLS at all.
    Plain,
    /// TLS after STARTTLS.
    Starttls,
    /// TLS from the start.
    Tls,
    /// As Starttls, with a reply slipped in behind the one to STARTTLS.
    Slips,
    /// Says what a web server says.
    Web,
    /// Has no time for anybody.
    Busy,
    /// Wants a login before anything else.
    WantsLogin,
    /// Closes at once.
    Closes,
}

/// What the server was told, command by command; a letter as one.
type Heard = Arc<Mutex<Vec<String>>>;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/mail/test_tls").join(name)
}

fn acceptor() -> TlsAcceptor {
    let chain: Vec<_> = CertificateDer::pem_file_iter(file("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(file("server-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

/// Speaks until QUIT, STARTTLS or the end. True after STARTTLS.
async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    manner: Manner,
    heard: &Heard,
    offers: &str,
) -> std::io::Result<bool> {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(false);
        }
        let line = line.trim_end().to_owned();
        heard.lock().unwrap().push(line.clone());
        let reply = match line.split(' ').next().unwrap_or_default() {
            "EHLO" => format!("250-test\r\n{offers}250 8BITMIME\r\n"),
            "STARTTLS" => {
                let slipped = if manner == Manner::Slips { "250 injected\r\n" } else { "" };
                stream.write_all(format!("220 go on\r\n{slipped}").as_bytes()).await?;
                stream.flush().await?;
                return Ok(true);
            }
            // `printf '\0ca\0secret' | base64`.
            "AUTH" if line == "AUTH PLAIN AGNhAHNlY3JldA==" => "235 welcome\r\n".to_owned(),
            "AUTH" => "535 no\r\n".to_owned(),
            "MAIL" if manner == Manner::WantsLogin => "530 log in first\r\n".to_owned(),
            "RCPT" if line.contains("nobody@") => "550 no such mailbox\r\n".to_owned(),
            "RCPT" if line.contains("later@") => "451 try again\r\n".to_owned(),
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut letter = String::new();
                while !letter.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut letter).await? == 0 {
                        return Ok(false);
                    }
                }
                heard.lock().unwrap().push(letter);
                "250 taken\r\n".to_owned()
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(false);
            }
            _ => "250 fine\r\n".to_owned(),
        };
        stream.write_all(reply.as_bytes()).await?;
        stream.flush().await?;
    }
}

/// A server that takes connections for as long as the test runs.
async fn server(manner: Manner) -> (u16, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, heard) = (listener.local_addr().unwrap().port(), Heard::default());
    let told = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let told = Arc::clone(&told);
            tokio::spawn(async move {
                let auth = "250-AUTH LOGIN PLAIN\r\n";
                match manner {
                    Manner::Closes => Ok(()),
                    Manner::Tls => {
                        let mut stream = BufReader::new(acceptor().accept(tcp).await?);
                        stream.write_all(b"220 test\r\n").await?;
                        speak(&mut stream, manner, &told, auth).await.map(drop)
                    }
                    _ => {
                        let mut stream = BufReader::new(tcp);
                        let hello: &[u8] = match manner {
                            Manner::Web => b"HTTP/1.1 400 no\r\n",
                            Manner::Busy => b"554 no service here\r\n",
                            _ => b"220 test\r\n",
                        };
                        stream.write_all(hello).await?;
                        let offers = if manner == Manner::Plain { "" } else { "250-STARTTLS\r\n" };
                        if speak(&mut stream, manner, &told, offers).await? {
                            let mut stream = BufReader::new(acceptor().accept(stream.into_inner()).await?);
                            speak(&mut stream, manner, &told, auth).await?;
                        }
                        Ok::<_, std::io::Error>(())
                    }
                }
            });
        }
    });
    (port, heard)
}

fn config(port: u16, security: MailSecurity) -> MailConfig {
    MailConfig {
        server: Some(format!("localhost:{port}")),
        security,
        roots: Some(file("root.pem")),
        from: "ca@example.cn".into(),
        ..MailConfig::default()
    }
}

fn with_login(config: MailConfig, dir: &Path, password: &str) -> MailConfig {
    let file = dir.join("password");
    std::fs::write(&file, format!("{password}\n")).unwrap();
    MailConfig { user: Some("ca".into()), password_file: Some(file), ..config }
}

fn letter() -> Message {
    Message {
        from: "ca@example.cn".into(),
        to: "zhang@example.cn".into(),
        subject: "证书".into(),
        text: "您好\n".into(),
        id: "1@example.cn".into(),
        date: "2026-11-21T08:00:00Z".parse().unwrap(),
    }
}

async fn send(config: &MailConfig, to: &str) -> Result<(), MailError> {
    Mailer::new(config).unwrap().send(to, &letter()).await
}

fn commands(heard: &Heard) -> Vec<String> {
    heard.lock().unwrap().iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_letter_arrives_whole_over_each_way() {
    let dir = tempfile::tempdir().unwrap();
    for (manner, security) in [
        (Manner::Plain, MailSecurity::None),
        (Manner::Starttls, MailSecurity::Starttls),
        (Manner::Tls, MailSecurity::Tls),
    ] {
        let (port, heard) = server(manner).await;
        let mut config = config(port, security);
        if security != MailSecurity::None {
            config = with_login(config, dir.path(), "secret");
        }
        send(&config, "zhang@example.cn").await.unwrap();
        let heard = heard.lock().unwrap().clone();
        assert!(heard.contains(&"MAIL FROM:<ca@example.cn>".to_owned()), "{manner:?}: {heard:?}");
        assert!(heard.contains(&"RCPT TO:<zhang@example.cn>".to_owned()), "{manner:?}");
        assert!(heard.contains(&format!("{}.\r\n", letter().encode())), "{manner:?}: {heard:?}");
    }
}

#[tokio::test]
async fn without_tls_nothing_is_said_to_a_server_that_should_have_it() {
    let dir = tempfile::tempdir().unwrap();
    let (port, heard) = server(Manner::Plain).await;
    let outcome = send(&with_login(config(port, MailSecurity::Starttls), dir.path(), "secret"), "a@b.cn").await;
    assert!(matches!(outcome, Err(MailError::Tls(_))), "{outcome:?}");
    assert_eq!(commands(&heard), ["EHLO"]);
}

#[tokio::test]
async fn a_reply_slipped_in_before_tls_is_not_taken_for_the_servers() {
    let (port, heard) = server(Manner::Slips).await;
    let outcome = send(&config(port, MailSecurity::Starttls), "a@b.cn").await;
    // Both octet strings may come in two packets; then TLS itself fails on the second.
    assert!(matches!(outcome, Err(MailError::Nonsense(_) | MailError::Tls(_))), "{outcome:?}");
    assert_eq!(commands(&heard), ["EHLO", "STARTTLS"]);
}

#[tokio::test]
async fn a_certificate_of_another_root_or_name_is_refused() {
    let (port, heard) = server(Manner::Tls).await;
    let other = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/cli/test_pki/ec-root.pem");
    let stranger = MailConfig { roots: Some(other), ..config(port, MailSecurity::Tls) };
    assert!(matches!(send(&stranger, "a@b.cn").await, Err(MailError::Tls(_))));
    let by_address = MailConfig { server: Some(format!("127.0.0.1:{port}")), ..config(port, MailSecurity::Tls) };
    assert!(matches!(send(&by_address, "a@b.cn").await, Err(MailError::Tls(_))), "it is for localhost");
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn refusals_say_whether_they_are_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let (port, _) = server(Manner::Plain).await;
    let plain = config(port, MailSecurity::None);
    for (to, expected) in [("nobody@b.cn", true), ("later@b.cn", false)] {
        match send(&plain, to).await {
            Err(MailError::Refused { for_good, .. }) => assert_eq!(for_good, expected, "{to}"),
            other => panic!("{to}: {other:?}"),
        }
    }
    let (port, heard) = server(Manner::Starttls).await;
    let wrong = with_login(config(port, MailSecurity::Starttls), dir.path(), "wrong");
    assert!(matches!(send(&wrong, "a@b.cn").await, Err(MailError::Login(_))));
    assert!(!commands(&heard).contains(&"MAIL".to_owned()));
}

#[tokio::test]
async fn a_server_that_is_none_is_told_from_a_letter_that_is_refused() {
    for manner in [Manner::Web, Manner::Closes, Manner::Busy, Manner::WantsLogin] {
        let (port, _) = server(manner).await;
        let outcome = send(&config(port, MailSecurity::None), "a@b.cn").await;
        let wrong = matches!(&outcome, Err(error) if !error.is_about_the_letter());
        assert!(wrong, "{manner:?}: {outcome:?}");
    }
    // A port nothing listens on: taken and given back.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let outcome = send(&config(port, MailSecurity::None), "a@b.cn").await;
    assert!(matches!(outcome, Err(MailError::Unreachable(_))), "{outcome:?}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Mailer::new(&MailConfig::default()), Err(MailError::NotConfigured)));
    let gone = MailConfig { roots: Some(dir.path().join("gone.pem")), ..config(25, MailSecurity::Tls) };
    assert!(Mailer::new(&gone).unwrap_err().to_string().contains("gone.pem"));
    let empty = with_login(config(25, MailSecurity::Tls), dir.path(), "");
    assert!(Mailer::new(&empty).unwrap_err().to_string().contains("password"));
    let mailer = Mailer::new(&with_login(config(25, MailSecurity::Tls), dir.path(), "secret")).unwrap();
    assert!(!format!("{mailer:?}").contains("secret"));
}
