//! Several backends as one: which one makes a key is the configuration's to say, which one has a key its row's.

use std::sync::Arc;

use pki_config::{TenantId, UnitId};

use super::pkcs11::{self, Pkcs11};
use super::reference::Reference;
use super::sdf::{self, Sdf};
use super::{Backend, Binding, DeviceStatus, Generated, Known, Signer, Soft, UnitKek};
use crate::algorithm::KeyAlgorithm;
use crate::error::Error;
use crate::key::Purpose;
use crate::public_key::PublicKey;

/// Which keys a device makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takes {
    /// Keys of the house for these purposes. Never [`Purpose::Tls`], whose keys are handed out, nor those of tenants,
    /// which move with their unit.
    pub purposes: Vec<Purpose>,
    /// Of these algorithms; what the device cannot make is refused when it is asked for.
    pub algorithms: Vec<KeyAlgorithm>,
}

impl Takes {
    fn has(&self, binding: Binding<'_>) -> bool {
        let may = !matches!(binding.purpose, Purpose::Tls | Purpose::Tenant) && *binding.tenant == TenantId::house();
        may && self.purposes.contains(&binding.purpose) && self.algorithms.contains(&binding.algorithm)
    }
}

/// Software, and the devices there are.
pub struct Choice {
    soft: Soft,
    pkcs11: Option<(Takes, Pkcs11)>,
    sdf: Option<(Takes, Sdf)>,
}

/// Who has a stored key.
enum Keeper<'a> {
    Soft,
    Pkcs11(&'a Pkcs11),
    Sdf(&'a Sdf),
}

impl Choice {
    /// Software alone.
    #[must_use]
    pub fn new(soft: Soft) -> Self {
        Self { soft, pkcs11: None, sdf: None }
    }

    /// And this token, for such keys.
    #[must_use]
    pub fn with_pkcs11(mut self, takes: Takes, token: Pkcs11) -> Self {
        self.pkcs11 = Some((takes, token));
        self
    }

    /// And this device, for such keys.
    #[must_use]
    pub fn with_sdf(mut self, takes: Takes, device: Sdf) -> Self {
        self.sdf = Some((takes, device));
        self
    }

    fn keeper(&self, wrapped: &[u8]) -> Result<Keeper<'_>, Error> {
        let away = |section: &str| Error::DeviceRefused {
            device: "a device that is not configured".to_owned(),
            why: format!("the configuration has no {section}"),
        };
        match wrapped.first() {
            Some(&pkcs11::KIND) => match &self.pkcs11 {
                Some((_, token)) => Ok(Keeper::Pkcs11(token)),
                None => Err(away("[pool.pkcs11]")),
            },
            Some(&sdf::KIND) => match &self.sdf {
                Some((_, device)) => Ok(Keeper::Sdf(device)),
                None => Err(away("[pool.sdf]")),
            },
            _ => Ok(Keeper::Soft),
        }
    }
}

impl Backend for Choice {
    fn generate(&self, binding: Binding<'_>) -> Result<Generated, Error> {
        self.generate_unknown(binding, &|_| Ok(false))
    }

    fn generate_unknown(&self, binding: Binding<'_>, known: &Known<'_>) -> Result<Generated, Error> {
        // Never in software instead: whoever asked for a device has it or hears that there is none.
        if let Some((_, token)) = self.pkcs11.as_ref().filter(|(takes, _)| takes.has(binding)) {
            return if Pkcs11::can_make(binding.algorithm) { token.generate(binding) } else { Err(Error::Algorithm) };
        }
        if let Some((_, device)) = self.sdf.as_ref().filter(|(takes, _)| takes.has(binding)) {
            let is_sm2 = binding.algorithm == KeyAlgorithm::Sm2;
            return if is_sm2 { device.generate(binding, known) } else { Err(Error::Algorithm) };
        }
        self.soft.generate(binding)
    }

    fn load(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Arc<dyn Signer>, Error> {
        match self.keeper(wrapped)? {
            Keeper::Soft => self.soft.load(binding, public, wrapped),
            Keeper::Pkcs11(token) => token.load(binding, public, wrapped),
            Keeper::Sdf(device) => device.load(binding, public, wrapped),
        }
    }

    fn make_kek(&self, tenant: &TenantId, unit: UnitId) -> Result<Vec<u8>, Error> {
        self.soft.make_kek(tenant, unit)
    }

    fn unit_of(&self, wrapped: &[u8]) -> Option<UnitId> {
        self.soft.unit_of(wrapped)
    }

    fn rewrap(&self, from: Binding<'_>, to: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Vec<u8>, Error> {
        match self.keeper(wrapped)? {
            Keeper::Soft => self.soft.rewrap(from, to, public, wrapped),
            Keeper::Pkcs11(token) => token.rewrap(from, to, public, wrapped),
            Keeper::Sdf(device) => device.rewrap(from, to, public, wrapped),
        }
    }

    fn renewed(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        // Whether the device is there, or configured, does not matter: the root key must not have to wait for it.
        if self.in_device(wrapped) {
            return Reference::renewed(wrapped, self.soft.root(), binding, public.spki_der());
        }
        self.soft.renewed(binding, public, wrapped)
    }

    fn renewed_kek(&self, tenant: &TenantId, kek: UnitKek<'_>) -> Result<Option<Vec<u8>>, Error> {
        self.soft.renewed_kek(tenant, kek)
    }

    fn export(
        &self,
        binding: Binding<'_>,
        public: &PublicKey,
        wrapped: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        match self.keeper(wrapped)? {
            Keeper::Soft => self.soft.export(binding, public, wrapped),
            Keeper::Pkcs11(_) | Keeper::Sdf(_) => Err(Error::KeyPurpose { key: binding.key, purpose: binding.purpose }),
        }
    }

    fn destroy(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<(), Error> {
        match self.keeper(wrapped)? {
            Keeper::Soft => self.soft.destroy(binding, public, wrapped),
            Keeper::Pkcs11(token) => token.destroy(binding, public, wrapped),
            Keeper::Sdf(device) => device.destroy(binding, public, wrapped),
        }
    }

    fn in_device(&self, wrapped: &[u8]) -> bool {
        matches!(wrapped.first(), Some(&pkcs11::KIND | &sdf::KIND))
    }

    fn ready(&self, wrapped: &[u8]) -> Result<(), Error> {
        match self.keeper(wrapped)? {
            Keeper::Soft => Ok(()),
            Keeper::Pkcs11(token) => token.ready(),
            Keeper::Sdf(device) => device.ready(),
        }
    }

    fn device_sessions(&self) -> usize {
        let tokens = self.pkcs11.as_ref().map_or(0, |(_, token)| token.sessions());
        tokens + self.sdf.as_ref().map_or(0, |(_, device)| device.sessions())
    }

    fn devices(&self) -> Vec<DeviceStatus> {
        let tokens = self.pkcs11.iter().map(|(_, token)| token.status());
        tokens.chain(self.sdf.iter().map(|(_, device)| device.status())).collect()
    }
}
