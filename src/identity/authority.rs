//! Certificate authorities and the certificates that they issue (RFC 5280), ECDSA P-256 throughout.
//!
//! RSA keys would take tens of seconds each on an emulated node, and the ring back end makes none.

use engine::digest;
use engine::failure::{Failure, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{Sensitive, SigningKey};

/// A certificate and its private key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    pub certificate: String,
    /// PKCS #8.
    pub key: Sensitive,
}

/// A certificate authority: what it issues, everyone who has its certificate believes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    pub certificate: String,
    /// PKCS #8.
    pub key: Sensitive,
}

impl Authority {
    /// Makes one that signs itself.
    pub fn make(name: &str) -> Result<Self> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut parameters = parameters(name, None);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment, KeyUsagePurpose::KeyCertSign];
        let certificate = parameters.self_signed(&key).map_err(failed)?.pem();
        Ok(Self { certificate, key: Sensitive::new(key.serialize_pem()) })
    }

    /// Issues a client certificate for a user of a group.
    pub fn issue_client(&self, user: &str, group: &str) -> Result<Credential> {
        let mut parameters = parameters(user, Some(group));
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(parameters)
    }

    /// Issues a server certificate for names and addresses.
    pub fn issue_server(&self, common: &str, organisation: &str, names: &[String]) -> Result<Credential> {
        let mut parameters = parameters(common, Some(organisation));
        parameters.subject_alt_names = CertificateParams::new(names).map_err(failed)?.subject_alt_names;
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(parameters)
    }

    /// The sha256 of the certificate, in hexadecimal.
    pub fn fingerprint(&self) -> Result<String> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(self.certificate.as_bytes()).map_err(|error| {
            Failure::invalid("the identity holds a certificate that does not parse").because(&error)
        })?;
        Ok(digest::of_bytes(&pem.contents))
    }

    /// kubeadm's `caCertHashes` entry: `sha256:` and the digest of the public key information.
    pub fn public_key_pin(&self) -> Result<String> {
        let key = KeyPair::from_pem(self.key.reveal()).map_err(failed)?;
        let information = rcgen::PublicKeyData::subject_public_key_info(&key);
        Ok(format!("sha256:{}", digest::of_bytes(&information)))
    }

    fn issue(&self, mut parameters: CertificateParams) -> Result<Credential> {
        let own = KeyPair::from_pem(self.key.reveal()).map_err(failed)?;
        let issuer = Issuer::from_ca_cert_pem(&self.certificate, own).map_err(failed)?;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = parameters.signed_by(&key, &issuer).map_err(failed)?.pem();
        Ok(Credential { certificate, key: Sensitive::new(key.serialize_pem()) })
    }
}

/// Makes a key pair without a certificate.
pub(super) fn signing_key() -> Result<SigningKey> {
    let key = KeyPair::generate().map_err(failed)?;
    Ok(SigningKey { private: Sensitive::new(key.serialize_pem()), public: key.public_key_pem() })
}

/// Ten years, backdated a day: clocks of workstation and guests differ.
fn parameters(common: &str, organisation: Option<&str>) -> CertificateParams {
    let now = OffsetDateTime::now_utc();
    let mut parameters = CertificateParams::default();
    parameters.not_before = now - Duration::days(1);
    parameters.not_after = now + Duration::days(3650);
    // 127 bits: a serial number is positive, so its first bit is clear.
    parameters.serial_number = Some(SerialNumber::from_slice(&(rand::random::<u128>() >> 1).to_be_bytes()));
    let mut name = DistinguishedName::new();
    if let Some(organisation) = organisation {
        name.push(DnType::OrganizationName, organisation);
    }
    name.push(DnType::CommonName, common);
    parameters.distinguished_name = name;
    parameters
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn failed(error: rcgen::Error) -> Failure {
    Failure::other("a certificate could not be made").because(&error)
}
