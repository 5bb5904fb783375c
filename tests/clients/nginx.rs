//! nginx with certificates of ours, stapling or not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Leaf, Running, connect, free_port, program};

/// How a site staples.
#[derive(Debug, Clone)]
pub enum Stapling {
    /// Not at all.
    Off,
    /// nginx asks the responder itself, and checks what it gets.
    Asks,
    /// An answer from a file.
    File(PathBuf),
}

/// A site with a port of its own.
#[derive(Debug)]
pub struct Site<'a> {
    pub leaf: &'a Leaf,
    pub stapling: Stapling,
}

/// A running nginx.
#[derive(Debug)]
pub struct Nginx {
    program: PathBuf,
    config: PathBuf,
    ports: Vec<u16>,
    _running: Running,
}

impl Nginx {
    /// The program, or says that it is left out.
    pub fn find() -> Option<PathBuf> {
        program("nginx", "nginx-light")
    }

    /// Starts it with these sites.
    pub fn start(program: &Path, folder: &Path, sites: &[Site<'_>]) -> Self {
        let dir = folder.display();
        let mut text = format!("pid {dir}/pid;\nerror_log {dir}/error.log notice;\nworker_processes 1;\n");
        // As root its worker would be another user, who may not read here.
        if Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n") {
            text.push_str("user root;\n");
        }
        text.push_str("events {}\nhttp {\n  access_log off;\n");
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            text.push_str(&format!("  {kind}_temp_path {dir}/{kind};\n"));
        }
        let mut ports = Vec::new();
        for site in sites {
            let port = free_port();
            ports.push(port);
            let leaf = site.leaf;
            text.push_str(&format!(
                "  server {{\n    listen 127.0.0.1:{port} ssl;\n    server_name {};\n    ssl_certificate {};\n    \
                 ssl_certificate_key {};\n    default_type text/html;\n    location / {{ return 200 'nginx here'; }}\n",
                leaf.host,
                leaf.bundle().display(),
                leaf.key().display(),
            ));
            match &site.stapling {
                Stapling::Off => {}
                Stapling::Asks => text.push_str(&format!(
                    "    ssl_stapling on;\n    ssl_stapling_verify on;\n    ssl_trusted_certificate {};\n",
                    leaf.authorities().display()
                )),
                Stapling::File(file) => {
                    text.push_str(&format!("    ssl_stapling on;\n    ssl_stapling_file {};\n", file.display()));
                }
            }
            text.push_str("  }\n");
        }
        text.push_str("}\n");
        let config = folder.join("nginx.conf");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(program);
        command.arg("-c").arg(&config).args(["-g", "daemon off;"]);
        let running = Running::start(&mut command, &folder.join("nginx.log"));
        for port in &ports {
            drop(connect(*port, Duration::from_secs(10)));
        }
        Self { program: program.to_owned(), config, ports, _running: running }
    }

    /// The port of the site with this place.
    pub fn port(&self, place: usize) -> u16 {
        self.ports[place]
    }

    /// The command that has it read its files anew.
    pub fn reload_command(&self) -> String {
        format!("{} -c {} -s reload", self.program.display(), self.config.display())
    }
}
