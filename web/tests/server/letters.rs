//! Letters to holders whose certificates end: once for each certificate and time, whatever happens in between.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_config::Clock as _;
use pki_config::config::MailSecurity;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::house::{EC_CSR, House, SM2_CSR};

const DAY: Duration = Duration::from_secs(86_400);

/// A mail server without TLS, and the letters it took: receiver and letter.
#[derive(Clone, Default)]
struct MailServer {
    taken: Arc<Mutex<Vec<(String, String)>>>,
    /// What it answers to a receiver.
    answer: Arc<Mutex<&'static str>>,
}

impl MailServer {
    async fn start() -> (u16, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, server) = (listener.local_addr().unwrap().port(), Self::default());
        *server.answer.lock().unwrap() = "250 fine";
        let one = server.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(one.clone().speak(BufReader::new(tcp)));
            }
        });
        (port, server)
    }

    async fn speak(self, mut stream: BufReader<tokio::net::TcpStream>) -> std::io::Result<()> {
        stream.write_all(b"220 test\r\n").await?;
        let mut receiver = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let mut reply = "250 fine".to_owned();
            if let Some(to) = line.strip_prefix("RCPT TO:") {
                receiver = to.trim().to_owned();
                reply = (*self.answer.lock().unwrap()).to_owned();
            } else if line.starts_with("DATA") {
                stream.write_all(b"354 go on\r\n").await?;
                let mut letter = String::new();
                while !letter.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut letter).await?;
                }
                self.taken.lock().unwrap().push((receiver.clone(), letter));
            }
            stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        }
    }

    fn receivers(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|(to, _)| to.clone()).collect()
    }

    /// The text and the Message-ID of the newest letter.
    fn newest(&self) -> (String, String) {
        let (_, letter) = self.taken.lock().unwrap().last().unwrap().clone();
        let (head, body) = letter.split_once("\r\n\r\n").unwrap();
        let body: String = body.trim_end_matches(".\r\n").split("\r\n").collect();
        let id = head.split("\r\n").find_map(|line| line.strip_prefix("Message-ID: ")).unwrap();
        (String::from_utf8(STANDARD.decode(body).unwrap()).unwrap(), id.to_owned())
    }
}

/// A house that writes to this mail server, and to the RA desk where a certificate holds no address.
async fn house(port: u16) -> House {
    House::with(|config| {
        config.mail.server = Some(format!("127.0.0.1:{port}"));
        config.mail.security = MailSecurity::None;
        config.mail.from = "ca@example.cn".into();
        config.mail.otherwise_to = Some("ra@example.cn".into());
    })
    .await
}

async fn issue(house: &House, csr: &str, profile: &str, subject: &str, sans: &[&str], days: u32) -> String {
    let ask = json!({"csr": csr, "profile": profile, "subject": subject, "sans": sans, "days": days});
    let answer = house.socket("cert/issue", ask).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["serial"].as_str().unwrap().to_owned()
}

async fn sent(house: &House) -> usize {
    house.app.write_to_holders().await.unwrap().sent
}

#[tokio::test]
async fn a_holder_is_written_to_thirty_seven_and_one_day_before_the_end_and_once_each() {
    let (port, mail) = MailServer::start().await;
    let house = house(port).await;
    let serial = issue(&house, EC_CSR, "person", "CN=张三,C=CN", &["email:zhang@example.cn"], 90).await;
    issue(&house, SM2_CSR, "tls-server", "CN=www.example.cn", &["dns:www.example.cn"], 90).await;
    assert_eq!(sent(&house).await, 0, "ninety days are left");
    house.clock.advance(DAY * 60);
    assert_eq!(sent(&house).await, 2);
    let mut receivers = mail.receivers();
    receivers.sort();
    assert_eq!(receivers, ["<ra@example.cn>", "<zhang@example.cn>"], "one holds no address");
    assert_eq!(sent(&house).await, 0, "once");
    // A start remembers.
    let house = house.restart().await;
    assert_eq!(sent(&house).await, 0);

    // Revoked certificates need no letter.
    let gone = json!({"serial": serial, "reason": "superseded"});
    assert_eq!(house.socket("cert/revoke", gone).await.status, 200);
    house.clock.advance(DAY * 23);
    assert_eq!(sent(&house).await, 1);
    let (text, first) = mail.newest();
    assert!(text.contains("www.example.cn") && text.contains("7 days from now"), "{text}");
    house.clock.advance(DAY * 6);
    assert_eq!(sent(&house).await, 1);
    let (text, second) = mail.newest();
    assert!(text.contains("还有 1 天") && first != second, "{text}");
    house.clock.advance(DAY * 2);
    assert_eq!(sent(&house).await, 0, "it has ended");
}

#[tokio::test]
async fn a_letter_that_is_not_taken_now_is_tried_again_and_one_refused_for_good_is_not() {
    let (port, mail) = MailServer::start().await;
    let house = house(port).await;
    issue(&house, EC_CSR, "person", "CN=张三,C=CN", &["email:zhang@example.cn"], 60).await;
    house.clock.advance(DAY * 31);
    *mail.answer.lock().unwrap() = "451 try again";
    let done = house.app.write_to_holders().await.unwrap();
    assert_eq!((done.sent, done.failed), (0, 1));
    *mail.answer.lock().unwrap() = "250 fine";
    assert_eq!(sent(&house).await, 0, "not at once");
    house.clock.advance(Duration::from_secs(600));
    assert_eq!(sent(&house).await, 1);
    house.clock.advance(DAY * 23);
    *mail.answer.lock().unwrap() = "550 no such mailbox";
    assert_eq!(house.app.write_to_holders().await.unwrap().failed, 1);
    *mail.answer.lock().unwrap() = "250 fine";
    house.clock.advance(Duration::from_secs(86_000));
    assert_eq!(sent(&house).await, 0);
    assert_eq!(mail.receivers().len(), 1);
}

#[tokio::test]
async fn a_mail_server_that_is_away_keeps_everybody_due() {
    // A port nothing listens on: taken and given back.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let house = house(port).await;
    issue(&house, EC_CSR, "person", "CN=张三,C=CN", &["email:zhang@example.cn"], 60).await;
    assert!(house.app.write_to_holders().await.is_ok(), "nobody is due, so nobody notices");
    house.clock.advance(DAY * 31);
    let failure = house.app.write_to_holders().await.unwrap_err();
    assert_eq!(failure.code().as_str(), "MAIL_FAILED");
    let now = house.clock.now();
    assert!(
        house.app.ca().ending(&pki_config::TenantId::house(), (now, 0), now.plus(DAY * 30), 10).await.unwrap().len()
            == 1
    );
    let answer = house.socket("system/mail-test", json!({"to": "li@example.cn"})).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "MAIL_FAILED"));
}

#[tokio::test]
async fn a_test_letter_shows_that_the_way_works_and_only_to_a_mail_address() {
    let (port, mail) = MailServer::start().await;
    let house = house(port).await;
    let answer = house.socket("system/mail-test", json!({"to": "li@example.cn"})).await;
    assert_eq!(answer.status, 200, "{}", answer.code());
    assert_eq!(mail.receivers(), ["<li@example.cn>"]);
    assert!(mail.newest().0.contains("邮件发送正常"));
    for wrong in ["", "li", "li@example.cn>\r\nRCPT TO:<x@y.cn", "a b@c.cn"] {
        let answer = house.socket("system/mail-test", json!({"to": wrong})).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    assert_eq!(mail.receivers().len(), 1);
    let silent = House::trial().await;
    let answer = silent.socket("system/mail-test", json!({"to": "li@example.cn"})).await;
    assert_eq!(answer.code(), "MAIL_FAILED");
    assert!(answer.json()["detail"].as_str().unwrap().contains("mail.server"));
    assert_eq!(silent.app.write_to_holders().await.unwrap().sent, 0);
}

#[tokio::test]
async fn whoever_has_the_next_certificate_already_is_not_written_to() {
    let (port, mail) = MailServer::start().await;
    let house = house(port).await;
    let (_, token) = house.officer("ra-officer").await;
    let serial = issue(&house, EC_CSR, "person", "CN=张三,C=CN", &["email:zhang@example.cn"], 60).await;
    issue(&house, SM2_CSR, "person", "CN=李四,C=CN", &["email:li@example.cn"], 60).await;
    house.clock.advance(DAY * 20);
    let renewed = house.socket("cert/renew", json!({"serial": serial, "days": 300})).await;
    assert_eq!(renewed.status, 200, "{}", String::from_utf8_lossy(&renewed.body));
    let request = renewed.json()["request"].as_str().unwrap().to_owned();
    let approved = house.https("cert/approve", json!({"request": request}), Some(&token)).await;
    assert_eq!(approved.status, 200, "{}", String::from_utf8_lossy(&approved.body));
    house.clock.advance(DAY * 11);
    assert_eq!(sent(&house).await, 1);
    assert_eq!(mail.receivers(), ["<li@example.cn>"]);
}
