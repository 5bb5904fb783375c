//! The first start: root key, log, two hierarchies, our own certificates, the first CRLs and the first
//! administrator. `setup.toml` is written last; until then it is no installation.

use crypto_pool::root_key::shares::{Quorum, Share};
use crypto_pool::root_key::{FileSeal, PassphraseSeal, RootSeal as _, ShareSeal};
use crypto_pool::{KeyAlgorithm, KeySpec, Purpose, RootKeySlot};
use pki_config::ids::WellKnownIssuer;
use pki_config::name::{Attribute, DistinguishedName, HttpUrl};
use pki_config::role::{Permission, Setup};
use pki_config::{Event, IssuerId, TenantId};
use zeroize::Zeroizing;

use super::{App, AppError, AppOptions, argon2};
use crate::data_dir::{NewDataDir, SetupFile, write_durably};
use crate::edge::{officer, pem};
use crate::problem::Failure;

/// What the first start gives its operator, once.
#[derive(Debug)]
pub struct FirstStart {
    /// The one-time link of the first administrator.
    pub link: String,
}

/// Gives shares to their keepers. What it says when it cannot is one sentence for the operator.
pub type HandOut = Box<dyn FnOnce(&[Share]) -> Result<(), String> + Send>;

/// What the root key of a new installation is sealed by.
pub enum FirstSeal {
    /// **A trial**: it lies in a file, in clear.
    File,
    /// Production: a passphrase.
    Passphrase(Zeroizing<String>),
    /// Production: shares, which are handed out before anything else is made.
    Shares(Quorum, HandOut),
}

impl FirstSeal {
    const fn setup(&self) -> Setup {
        match self {
            Self::File => Setup::Trial,
            Self::Passphrase(_) | Self::Shares(..) => Setup::Production,
        }
    }
}

/// What the first entry of the log says of an installation.
pub(super) fn object(setup: &SetupFile) -> String {
    format!("{} {}", setup.setup.as_str(), setup.installation)
}

pub(super) async fn create(
    new: NewDataDir,
    seal: FirstSeal,
    options: AppOptions,
) -> Result<(App, FirstStart), AppError> {
    let installation = NewDataDir::draw_name(&*options.random)?;
    let file = SetupFile { installation, setup: seal.setup(), created: options.clock.now() };
    let root = RootKeySlot::sealed();
    let (path, random) = (new.dir().path(), &*options.random);
    root.open(match seal {
        FirstSeal::File => FileSeal::new(path).make(random)?,
        FirstSeal::Passphrase(text) => PassphraseSeal::new(path, text, argon2(&options.config)).make(random)?,
        FirstSeal::Shares(quorum, hand_out) => {
            ShareSeal::new(path).make(quorum, random, |shares| hand_out(shares).map_err(AppError::HandOut))?
        }
    });
    let app = App::assemble(new.into_dir(), file, options, root)?;
    let link = fill(&app).await?;
    crate::data_dir::finish(&app.0.dir, &app.0.setup)?;
    Ok((app, FirstStart { link }))
}

async fn fill(app: &App) -> Result<String, AppError> {
    app.record_system(Event::SystemCreated, object(&app.0.setup)).await?;
    let manage = app.as_system(Permission::ManageIssuers)?;
    let log_key =
        KeySpec { purpose: Purpose::AuditLog, algorithm: KeyAlgorithm::Sm2, subject: None, tenant: TenantId::house() };
    app.kms().generate(&manage, log_key).await?;
    app.start_checkpoints().await?;
    let ceremony = app.kms().begin_ceremony(&manage, "first start").await?;
    let url: HttpUrl = app.config().public_url().parse().map_err(Failure::from)?;
    for (issuer, parent, algorithm) in [
        (WellKnownIssuer::Sm2Root, None, KeyAlgorithm::Sm2),
        (WellKnownIssuer::Sm2Issuing, Some(WellKnownIssuer::Sm2Root), KeyAlgorithm::Sm2),
        (WellKnownIssuer::EcRoot, None, KeyAlgorithm::P256),
        (WellKnownIssuer::EcIssuing, Some(WellKnownIssuer::EcRoot), KeyAlgorithm::P256),
    ] {
        let new = ca::NewIssuer {
            id: IssuerId::well_known(issuer),
            parent: parent.map(IssuerId::well_known),
            subject: name_of(app, issuer)?,
            algorithm,
            public_url: url.clone(),
        };
        app.ca().create_issuer(&manage, &ceremony, new).await?;
    }
    app.renew_responders().await?;
    app.renew_own().await?;
    app.ca().publish_due_crls(&pki_config::Actor::system()).await?;
    for issuer in app.ca().issuers().iter().filter(|i| i.parent.is_none()) {
        let file = app.dir().roots().join(format!("{}.pem", issuer.id));
        write_durably(&file, pem("CERTIFICATE", &issuer.certificate).as_bytes(), 0o644)?;
    }
    let secret = officer::invite_administrator(app).await?;
    let link = app.link_url(&secret);
    write_durably(&app.dir().admin_link(), format!("{link}\n").as_bytes(), 0o600)?;
    app.checkpoint_now().await?;
    Ok(link)
}

/// Names unique to this installation: a trial's root can be told from every other's.
fn name_of(app: &App, issuer: WellKnownIssuer) -> Result<DistinguishedName, Failure> {
    let kind = match issuer {
        WellKnownIssuer::Sm2Root => "SM2 Root",
        WellKnownIssuer::Sm2Issuing => "SM2 Issuing CA",
        WellKnownIssuer::EcRoot => "EC Root",
        WellKnownIssuer::EcIssuing => "EC Issuing CA",
    };
    let house = house_name(app);
    let name = DistinguishedName::common_name(&format!("{} {kind} {}", brand(app), app.installation()))?;
    Ok(name.with(Attribute::Organisation, &house)?.with(Attribute::Country, "CN")?)
}

fn brand(app: &App) -> &'static str {
    match app.setup() {
        Setup::Trial => "Yinxin Trial",
        Setup::Production => "Yinxin",
    }
}

/// The organisation in every name of our own.
pub(super) fn house_name(app: &App) -> String {
    format!("{} {}", brand(app), app.installation())
}
