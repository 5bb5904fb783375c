//! The responder of the installed OpenSSL on the same core, for comparison. It takes one question for each
//! connection, and signs with ECDSA.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::clients::http::Connection;
use crate::clients::{Running, Service, free_port, program};
use crate::judges::capture;

pub fn report(service: &Service, length: Duration) {
    let Some(openssl) = program("openssl", "openssl") else { return };
    let folder = service.scratch("openssl");
    let run = |words: &str| {
        let run = capture(Command::new(&openssl).current_dir(&folder).args(words.split(' '))).unwrap();
        assert_eq!(run.code, Some(0), "{words}: {}", run.output());
    };
    run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 9");
    run("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout a.key -out a.csr -subj /CN=a");
    run("x509 -req -in a.csr -CA ca.pem -CAkey ca.key -set_serial 4097 -days 9 -out a.pem");
    run("ocsp -issuer ca.pem -cert a.pem -nonce -reqout question");
    std::fs::write(folder.join("index"), "V\t360101000000Z\t\t1001\tunknown\t/CN=a\n").unwrap();
    let port = free_port();
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(&openssl).current_dir(&folder);
    command.args("ocsp -index index -CA ca.pem -rsigner ca.pem -rkey ca.key -nmin 60 -port".split(' '));
    let _running = Running::start(command.arg(port.to_string()), &folder.join("log"));
    // It says when it listens. A connection that only tries would keep it busy for ever.
    let (log, end) = (folder.join("log"), Instant::now() + Duration::from_secs(10));
    while !std::fs::read_to_string(&log).unwrap_or_default().contains("waiting") {
        assert!(Instant::now() < end, "openssl ocsp does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    let question = std::fs::read(folder.join("question")).unwrap();
    let request = crate::post("/", &question);
    let (began, mut answers) = (Instant::now(), 0_u64);
    while began.elapsed() < length {
        let mut door = Connection::open(&format!("127.0.0.1:{port}"));
        door.send(&request).unwrap();
        let (status, _) = door.skip().unwrap_or_default();
        answers += u64::from(status == 200);
    }
    let rate = answers as f64 / began.elapsed().as_secs_f64();
    println!("openssl ocsp, ECDSA P-256, a connection for each question: {rate:.0} answers a second");
}
