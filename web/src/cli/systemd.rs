//! `yinxin systemd`: a service unit, or a container file, with the least rights that the suite works with.

use std::path::Path;

use crate::cli::args::{Global, Systemd};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::start::local_only;

/// Prints it.
///
/// # Errors
/// A path or a name that a unit cannot hold.
pub fn run(global: &Global, console: Console, args: &Systemd) -> Result<(), Failure> {
    local_only(global)?;
    let text = if args.container {
        container()
    } else {
        let data = global.data_dir();
        let data = std::path::absolute(&data).map_err(|e| Failure::file(&data, &e))?;
        let program = std::env::current_exe().unwrap_or_else(|_| "/usr/local/bin/yinxin".into());
        unit(&word(&program)?, &word(&data)?, &user(&args.user)?)
    };
    console.answer(&text, || text.clone())
}

/// A path as a unit file takes it: its specifiers and separators would mean something else.
fn word(path: &Path) -> Result<String, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    match path.to_str() {
        Some(text) if text.chars().all(plain) => Ok(text.to_owned()),
        _ => Err(Failure::Usage(format!(
            "{} cannot stand in a unit file; use a path of letters, digits and . _ - + @.",
            path.display()
        ))),
    }
}

fn user(name: &str) -> Result<String, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if !name.is_empty() && name.len() <= 31 && name.chars().all(plain) {
        Ok(name.to_owned())
    } else {
        Err(Failure::Usage("A user's name has 1 to 31 letters, digits, - and _.".to_owned()))
    }
}

fn unit(program: &str, data: &str, user: &str) -> String {
    format!(
        "\
[Unit]
Description=Yinxin certificate authority and trust services
Documentation=man:systemd.exec(5)
After=network-online.target time-sync.target
Wants=network-online.target

[Service]
ExecStart={program} --data {data} up
User={user}
Group={user}
UMask=0077
Restart=on-failure
RestartSec=2
TimeoutStopSec=60
OOMPolicy=stop

# The root key opens by hand after each start (`yinxin unseal`), or with a credential: its passphrase, or enough
# shares, one on each line. Encrypt it for this machine, best with its TPM, and take the file it came from away:
#   systemd-creds encrypt --with-key=auto --name=yinxin-root passphrase /etc/credstore.encrypted/yinxin-root
#LoadCredentialEncrypted=yinxin-root
# Unencrypted, readable by root alone:
#LoadCredential=yinxin-root:/etc/yinxin/yinxin-root

# Keys stay in memory, and out of core files.
LimitMEMLOCK=infinity
LimitCORE=0
LimitNOFILE=65536

# It writes its data directory, and nothing else. Add ReadWritePaths= for copies of checkpoints and for backups.
ProtectSystem=strict
ReadWritePaths={data}
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
ProtectProc=invisible
ProcSubset=all
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectClock=yes

# It never gains a right. For ports below 1024: CapabilityBoundingSet= and AmbientCapabilities=CAP_NET_BIND_SERVICE,
# without PrivateUsers=.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
PrivateUsers=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @keyring @obsolete

[Install]
WantedBy=multi-user.target
"
    )
}

fn container() -> String {
    "\
# Build beside the program:   cp $(command -v yinxin) . && podman build -t yinxin -f Containerfile .
# Run with the least rights:  podman run --name yinxin --read-only --cap-drop=all --security-opt=no-new-privileges \\
#                               --ulimit core=0:0 --ulimit memlock=-1:-1 --pids-limit 512 --tmpfs /tmp:rw,noexec,nosuid,nodev \\
#                               -v yinxin-data:/data:rw,noexec,nosuid,nodev -p 8080:8080 -p 8443:8443 yinxin
# Make production first:      podman run --rm -it (the same options) yinxin --data /data/yinxin init --production \\
#                               --public-url http://ca.example.cn --shares 3-of-5
# Unseal after each start:    podman exec -it yinxin /yinxin --data /data/yinxin unseal
#   or mount a file that its user alone may read:  --secret yinxin-root,uid=65532,mode=0400,target=/run/credentials/yinxin-root
FROM debian:stable-slim AS system
RUN mkdir -p /image/data /image/tmp /image/etc && chmod 1777 /image/tmp && chown 65532:65532 /image/data \\
 && echo 'yinxin:x:65532:65532::/data:/nonexistent' > /image/etc/passwd \\
 && echo 'yinxin:x:65532:' > /image/etc/group
COPY yinxin /image/yinxin
# The libraries it is linked with, and no more: no shell, no package manager.
RUN chmod 0555 /image/yinxin \\
 && for file in $(ldd /image/yinxin | grep -o '/[^ ]*'); do install -D \"$file\" \"/image$file\"; done

FROM scratch
COPY --from=system /image/ /
USER 65532:65532
ENV CREDENTIALS_DIRECTORY=/run/credentials
VOLUME /data
EXPOSE 8080 8443
ENTRYPOINT [\"/yinxin\"]
CMD [\"--data\", \"/data/yinxin\", \"up\", \"--http\", \"0.0.0.0:8080\", \"--https\", \"0.0.0.0:8443\"]
"
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_holds_no_path_that_means_something_else() {
        assert_eq!(word(Path::new("/srv/yinxin")).unwrap(), "/srv/yinxin");
        for bad in ["/srv/a b", "/srv/%i", "/srv/a\nExecStart=/bin/sh", "/srv/$HOME", "/srv/\"x"] {
            assert!(word(Path::new(bad)).is_err(), "{bad}");
        }
        for bad in ["", "root;", "a b", "%u"] {
            assert!(user(bad).is_err(), "{bad}");
        }
    }
}
