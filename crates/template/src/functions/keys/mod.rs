//! Private keys: generating, reading and writing them as PEM.

mod der;
mod dsa;
mod pem;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use rcgen::KeyPair;
use sec1::EcPrivateKey;
use x509_cert::der::asn1::{OctetStringRef, UintRef};
use x509_cert::der::{Decode, Encode, Reader, SliceReader};
use zeroize::Zeroizing;

use super::random::random_bytes;
use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::value::Value;

pub(super) use pem::{pem_block, pem_text};

/// Milliseconds, on average.
pub(super) const RSA_2048_WORK: u64 = 150;
const RSA_4096_WORK: u64 = 1_000;
const DSA_WORK: u64 = 20;

pub(super) fn gen_private_key(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let kind = args.bytes(0)?;
    let key = match kind {
        b"" | b"rsa" => {
            run.budget.work_on_keys(RSA_4096_WORK)?;
            PrivateKey::generate_rsa(KeySize::Rsa4096)?
        }
        b"ecdsa" => {
            run.budget.work_on_keys(1)?;
            PrivateKey::generate_p256()?
        }
        b"ed25519" => {
            run.budget.work_on_keys(1)?;
            let mut seed = Zeroizing::new([0; 32]);
            random_bytes(&mut *seed)?;
            PrivateKey::Ed25519(seed)
        }
        b"dsa" => {
            run.budget.work_on_keys(DSA_WORK)?;
            PrivateKey::Dsa(dsa::generate().ok_or_else(not_made)?)
        }
        _ => return run.text([b"Unknown type ", kind].concat()),
    };
    run.text(key.to_pem().as_slice())
}

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A private key in the form its PEM block holds.
pub(super) enum PrivateKey {
    /// PKCS#1.
    Rsa(Zeroizing<Vec<u8>>),
    /// SEC 1, with the curve named inside.
    Ec {
        curve: ObjectIdentifier,
        der: Zeroizing<Vec<u8>>,
    },
    Ed25519(Zeroizing<[u8; 32]>),
    /// OpenSSL's sequence of version, p, q, g, y and x.
    Dsa(Zeroizing<Vec<u8>>),
}

fn malformed() -> Fault {
    Fault::new("the private key cannot be parsed")
}

fn not_made() -> Fault {
    Fault::new("failed to generate a private key")
}

impl PrivateKey {
    pub(super) fn generate_rsa(size: KeySize) -> Outcome<Self> {
        let pair = RsaKeyPair::generate(size).map_err(|_| not_made())?;
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| not_made())?;
        PrivateKey::from_pkcs8(der.as_ref())
    }

    fn generate_p256() -> Outcome<Self> {
        let pair =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| not_made())?;
        let der = pair.to_pkcs8v1().map_err(|_| not_made())?;
        PrivateKey::from_pkcs8(der.as_ref())
    }

    /// Reads a PEM block of any of the usual kinds.
    pub(super) fn parse(text: &[u8]) -> Outcome<Self> {
        let block = pem_block(text).ok_or_else(|| Fault::new("no PEM data in the key"))?;
        match block.label.as_slice() {
            b"PRIVATE KEY" => PrivateKey::from_pkcs8(&block.bytes),
            b"RSA PRIVATE KEY" => PrivateKey::from_pkcs1(&block.bytes),
            b"EC PRIVATE KEY" => PrivateKey::from_sec1(&block.bytes, None),
            b"DSA PRIVATE KEY" => {
                let mut reader = SliceReader::new(&block.bytes).map_err(|_| malformed())?;
                let read = reader.sequence(|reader| {
                    for _ in 0..6 {
                        UintRef::decode(reader)?;
                    }
                    Ok::<(), x509_cert::der::Error>(())
                });
                read.map_err(|_| malformed())?;
                Ok(PrivateKey::Dsa(block.bytes))
            }
            _ => Err(Fault::new("the PEM block is no private key")),
        }
    }

    fn from_pkcs8(bytes: &[u8]) -> Outcome<Self> {
        let info = PrivateKeyInfoRef::try_from(bytes).map_err(|_| malformed())?;
        let inner = info.private_key.as_bytes();
        match info.algorithm.oid {
            RSA => PrivateKey::from_pkcs1(inner),
            EC => {
                let curve = info.algorithm.parameters_oid().map_err(|_| malformed())?;
                PrivateKey::from_sec1(inner, Some(curve))
            }
            ED25519 => {
                let seed = <&OctetStringRef>::from_der(inner).map_err(|_| malformed())?;
                let seed = seed.as_bytes().try_into().map_err(|_| malformed())?;
                Ok(PrivateKey::Ed25519(Zeroizing::new(seed)))
            }
            _ => Err(malformed()),
        }
    }

    fn from_pkcs1(bytes: &[u8]) -> Outcome<Self> {
        RsaKeyPair::from_der(bytes).map_err(|_| malformed())?;
        Ok(PrivateKey::Rsa(Zeroizing::new(bytes.to_vec())))
    }

    /// `curve` is for keys that do not name it themselves.
    fn from_sec1(bytes: &[u8], curve: Option<ObjectIdentifier>) -> Outcome<Self> {
        let mut key = EcPrivateKey::try_from(bytes).map_err(|_| malformed())?;
        let named = key.parameters.and_then(sec1::EcParameters::named_curve);
        let curve = curve.or(named).ok_or_else(malformed)?;
        key.parameters = Some(sec1::EcParameters::NamedCurve(curve));
        let der = key.to_der().map_err(|_| malformed())?;
        Ok(PrivateKey::Ec {
            curve,
            der: Zeroizing::new(der),
        })
    }

    pub(super) fn to_pem(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            PrivateKey::Rsa(der) => pem_text("RSA PRIVATE KEY", der),
            PrivateKey::Ec { der, .. } => pem_text("EC PRIVATE KEY", der),
            PrivateKey::Ed25519(_) => pem_text("PRIVATE KEY", &self.to_pkcs8()),
            PrivateKey::Dsa(der) => pem_text("DSA PRIVATE KEY", der),
        })
    }

    fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let (algorithm, inner) = match self {
            PrivateKey::Rsa(der) => (
                [der::object(RSA), der::null()].concat(),
                der.as_slice().to_vec(),
            ),
            PrivateKey::Ec { curve, der } => (
                [der::object(EC), der::object(*curve)].concat(),
                der.as_slice().to_vec(),
            ),
            PrivateKey::Ed25519(seed) => (der::object(ED25519), der::octets(&**seed)),
            PrivateKey::Dsa(der) => (Vec::new(), der.as_slice().to_vec()),
        };
        let inner = Zeroizing::new(inner);
        let body = Zeroizing::new(
            [
                der::integer(&[]),
                der::sequence(&algorithm),
                der::octets(&inner),
            ]
            .concat(),
        );
        Zeroizing::new(der::sequence(&body))
    }

    /// The key in the form that certificates are signed with. DSA keys sign
    /// none.
    pub(super) fn signer(&self) -> Outcome<KeyPair> {
        let unusable = || Fault::new("a key of this kind signs no certificates");
        if matches!(self, PrivateKey::Dsa(_)) {
            return Err(unusable());
        }
        let der = self.to_pkcs8();
        KeyPair::try_from(der.as_slice()).map_err(|_| unusable())
    }
}
