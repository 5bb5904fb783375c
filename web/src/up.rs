//! `yinxin up` and `yinxin init`: from a data directory and a configuration to a running service.
//!
//! Everything that can refuse is asked before anything is made: the directory, the addresses, the ports.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto_pool::OsRandom;
use pki_config::config::{Config, ConfigError, Listen};
use pki_config::ids::WellKnownIssuer;
use pki_config::role::Setup;
use pki_config::time::SystemClock;
use pki_config::{Clock, IssuerId};
use serde::Serialize;
use tokio::sync::watch;

use crate::app::{App, AppError, AppOptions, FirstSeal};
use crate::data_dir::{DataDir, DataDirError, Found, front_socket_of};
use crate::router::{Door, router};
use crate::serve::{self, Doors, ServeError, Service};
use crate::tls;

/// Why nothing was started: one sentence each.
#[derive(Debug)]
#[non_exhaustive]
pub enum UpError {
    /// The data directory is refused.
    DataDir(DataDirError),
    /// An address cannot be served.
    Serve(ServeError),
    /// The installation does not open.
    App(AppError),
    /// The configuration does not fit the installation.
    Config(ConfigError),
    /// The random source failed its health test.
    Random,
    /// The system refused something.
    System(std::io::Error),
}

impl fmt::Display for UpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataDir(error) => error.fmt(f),
            Self::Serve(error) => error.fmt(f),
            Self::App(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::Random => f.write_str("the system's random source failed its health test; nothing was started"),
            Self::System(error) => write!(f, "the system refused: {error}"),
        }
    }
}

impl std::error::Error for UpError {}

macro_rules! from {
    ($($source:ty => $variant:ident,)*) => {
        $(impl From<$source> for UpError {
            fn from(error: $source) -> Self {
                Self::$variant(error)
            }
        })*
    };
}

from! {
    DataDirError => DataDir,
    ServeError => Serve,
    AppError => App,
    ConfigError => Config,
    std::io::Error => System,
}

/// What is told once the service serves, or an installation was made.
#[derive(Debug, Clone, Serialize)]
pub struct Started {
    /// The data directory, absolute.
    pub data: PathBuf,
    /// `trial` or `production`.
    pub setup: &'static str,
    /// Its name.
    pub installation: String,
    /// Whether this start made it.
    pub first: bool,
    /// Whether the root key is open.
    pub open: bool,
    /// Base address of the public repository here.
    pub http: String,
    /// Base address of the administration.
    pub https: String,
    /// Base of the URLs in what is issued.
    pub public_url: String,
    /// Copies of the roots.
    pub roots: Vec<PathBuf>,
    /// The one-time link of the first administrator; only when it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Serves the installation at `data`, making a trial first if there is none, until SIGINT or SIGTERM.
/// `ready` is called once everything serves.
///
/// # Errors
/// [`UpError`]; nothing was touched.
pub fn run(data: &Path, config: Config, ready: impl FnOnce(&Started)) -> Result<(), UpError> {
    warn_of_swap();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let (tell, stop) = watch::channel(false);
        let signals = tokio::spawn(wait_for_signal());
        tokio::spawn(async move {
            // Whatever ends the wait ends the service.
            let _ = signals.await;
            tell.send_replace(true);
            // A second signal: somebody does not want to wait.
            if matches!(tokio::spawn(wait_for_signal()).await, Ok(Ok(()))) {
                std::process::exit(130);
            }
        });
        // This program's own child processes read documents.
        serve(data, config, Some(std::env::current_exe()?), (stop, ready)).await
    })
}

/// Keeps keys out of the swap space, or says that they can get there.
fn warn_of_swap() {
    let lock = crypto_pool::lock_memory();
    if matches!(lock, crypto_pool::MemoryLock::Swappable { .. }) {
        tracing::warn!("{lock}");
    }
}

/// Returns at the next SIGINT or SIGTERM.
pub(crate) async fn wait_for_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// As [`run`], until `stop` turns true, on the runtime it is called in; for tests: documents are read in this process.
///
/// # Errors
/// As [`run`].
pub async fn serve_until(
    data: &Path,
    config: Config,
    stop: watch::Receiver<bool>,
    ready: impl FnOnce(&Started),
) -> Result<(), UpError> {
    serve(data, config, None, (stop, ready)).await
}

async fn serve(
    data: &Path,
    mut config: Config,
    worker: Option<PathBuf>,
    (stop, ready): (watch::Receiver<bool>, impl FnOnce(&Started)),
) -> Result<(), UpError> {
    config.check()?;
    let found = DataDir::look(data)?;
    let setup = match &found {
        Found::Nothing => Setup::Trial,
        Found::Installation(file) => file.setup,
    };
    if setup == Setup::Trial {
        Doors::loopback_only(&config.web)?;
    }
    let doors = Doors::bind(&config.web)?;
    name_chosen_ports(&mut config, &doors);
    let web = config.web.clone();
    let options = AppOptions { config, clock: Arc::new(SystemClock), random: random()?, probe: None, worker };
    let (app, link) = match found {
        Found::Nothing => {
            let (app, first) = App::create(DataDir::begin(data)?, Setup::Trial, None, options).await?;
            (app, Some(first.link))
        }
        Found::Installation(_) => {
            let (dir, file) = DataDir::open(data)?;
            (App::open(dir, file, options).await?, None)
        }
    };
    if let Some(directory) = std::env::var_os("CREDENTIALS_DIRECTORY") {
        app.unseal_unattended(Path::new(&directory)).await;
    }
    let socket = serve::bind_socket(&app.dir().socket(), 0o600)?;
    let front_socket = web.front_socket.clone().unwrap_or_else(|| front_socket_of(app.dir().path()));
    // Whoever can reach it may ask what anybody may ask over http.
    let front = serve::bind_socket(&front_socket, 0o666)?;
    let service = service(&app)?;
    app.start_schedules(&stop);
    ready(&started(&app, link));
    let served = serve::serve(doors, Some(socket), Some(front), service, &web, stop).await;
    app.close().await;
    // The lock is still held, so they are ours; a leftover would only be replaced by the next start.
    for socket in [app.dir().socket(), front_socket] {
        let _ = std::fs::remove_file(socket);
    }
    Ok(served?)
}

/// Makes a production installation, its root key sealed as `seal` says, and starts nothing.
///
/// # Errors
/// [`UpError`]; without a public URL nothing is made, because it goes into every certificate.
pub fn init(data: &Path, mut config: Config, seal: FirstSeal) -> Result<Started, UpError> {
    config.check()?;
    warn_of_swap();
    if config.web.public_url.is_none() {
        let why = "a production installation needs the address under which everybody finds its CRLs, for ever; \
                   name it with --public-url http://HOST";
        return Err(ConfigError::Value { key: "web.public_url", why: why.to_owned() }.into());
    }
    // Copies elsewhere begin when the service runs.
    let checkpoint_to = std::mem::take(&mut config.audit.checkpoint_to);
    let options = AppOptions { config, clock: Arc::new(SystemClock), random: random()?, probe: None, worker: None };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        drop(checkpoint_to);
        let new = DataDir::begin(data)?;
        let (app, first) = App::create_sealed(new, seal, options).await?;
        let told = started(&app, Some(first.link));
        app.close().await;
        Ok(told)
    })
}

fn random() -> Result<Arc<OsRandom>, UpError> {
    OsRandom::open().map(Arc::new).map_err(|_| UpError::Random)
}

/// Ports the system chose (for port 0) take the place of what was asked, so that URLs and links are right.
fn name_chosen_ports(config: &mut Config, doors: &Doors) {
    if let Some(address) = doors.http_address() {
        config.web.http = with_port(config.web.http, address.port());
    }
    if let Some(address) = doors.https_address() {
        config.web.https = with_port(config.web.https, address.port());
    }
}

const fn with_port(listen: Listen, port: u16) -> Listen {
    match listen {
        Listen::Localhost(_) => Listen::Localhost(port),
        Listen::Address(mut address) => {
            address.set_port(port);
            Listen::Address(address)
        }
    }
}

/// The routers and the TLS side of an application.
///
/// # Errors
/// TLS cannot be set up.
pub fn service(app: &App) -> Result<Service, AppError> {
    let root = app.ca().issuer(&IssuerId::well_known(WellKnownIssuer::EcRoot))?;
    let clock: Arc<dyn Clock> = Arc::clone(app.clock());
    let tls = tls::server_config(Arc::clone(app.tls()), std::slice::from_ref(&root.certificate), clock)?;
    Ok(Service {
        http: router(app.clone(), Door::Http),
        https: router(app.clone(), Door::Https),
        socket: router(app.clone(), Door::Socket),
        front: router(app.clone(), Door::Front),
        ocsp: Arc::clone(app.ocsp_door()),
        tls,
    })
}

fn started(app: &App, link: Option<String>) -> Started {
    let roots = app.ca().issuers();
    let roots = roots.iter().filter(|i| i.parent.is_none());
    let public_url = app.ca().issuers().first().map(|i| i.public_url.to_string()).unwrap_or_default();
    Started {
        data: app.dir().path().to_owned(),
        setup: app.setup().as_str(),
        installation: app.installation().to_owned(),
        first: link.is_some(),
        open: app.is_open(),
        http: format!("http://{}", app.config().web.http),
        https: format!("https://{}", app.config().web.https),
        public_url,
        roots: roots.map(|root| app.dir().roots().join(format!("{}.pem", root.id))).collect(),
        link,
    }
}

impl Started {
    /// For people: where things are, and four lines ready to paste. `program` is how this program is called.
    #[must_use]
    pub fn text(&self, program: &str) -> String {
        let mut text = format!("印信 Yinxin {} ({})\n", self.installation, self.setup);
        let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<12}{value}\n"));
        line("data", &self.data.display().to_string());
        line("repository", &self.http);
        line("administer", &self.https);
        for root in &self.roots {
            line("root", &root.display().to_string());
        }
        if let Some(link) = &self.link {
            line("first admin", link);
            line("", "single use, 15 minutes; also in admin-link.txt in the data directory");
        }
        if self.setup == "trial" {
            text.push_str(&format!(
                "\nThis is a TRIAL: its root key lies in a file, and its certificates name {},\n\
                 which only this machine can reach. It can never become a production installation.\n",
                self.public_url
            ));
        }
        if !self.open {
            text.push_str("\nThe root key is sealed: nothing is signed until somebody runs: yinxin unseal\n");
        } else if self.setup == "trial" {
            text.push_str(&format!("\nTry it in another terminal:\n{}", self.four_lines(program)));
        }
        text
    }

    /// Issue, verify, fetch the CRL, revoke. Tested as they stand.
    #[must_use]
    pub fn four_lines(&self, program: &str) -> String {
        let data = self.data.display();
        format!(
            "  {program} --data {data} issue www.example.cn --san dns:www.example.cn --key-type p256 --out first\n  \
             openssl verify -CAfile {data}/roots/ec-root.pem -untrusted first/chain.pem first/cert.pem\n  \
             curl -s {http}/crl/ec-issuing.crl | openssl crl -inform DER -noout -text\n  \
             {program} --data {data} revoke first/cert.pem --reason superseded\n",
            http = self.http
        )
    }
}
