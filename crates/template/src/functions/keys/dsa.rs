//! DSA keys over one set of domain parameters.
//!
//! Parameters are public and meant to be shared; only keys are secret. Making
//! new ones for every key, as sprig does, takes seconds. These are from
//! FIPS 186-4, A.1.1.2 and A.2.3 with SHA-256, so that anyone can check that
//! nobody chose them: the seed is the SHA-256 of `seal: DSA domain parameters,
//! 2048 and 256 bits, attempt 37`, the first attempt that gives a prime q, and
//! the generator has index 1.

use ::dsa::signature::rand_core::{CryptoRng, RngCore};
use ::dsa::{BigUint, Components, SigningKey};
use zeroize::Zeroizing;

use super::der;
use crate::functions::random::random_bytes;

const P: &[u8] =
    b"80004bfac13cffa739a022feb450d2eb2bf42d09c42d966e578f4a205c546bea13500a6ba629a03d\
    f5e1892ad65996caedf1fe8a21611f4d753fd3d91832100dca79e11ed220c85249aa44e8631c180d\
    8ca8b649a060da195564bd8622a39bea5c2a1fcadf3c97cd6cfe5a6fd009eeb0af489ccdaeaad084\
    dcf0498d7cbf5e7bdf097de412b87da34fd60c87239e65da593accaf55227ffe9a30d288d44bd86f\
    fbc4364a73505b20635de83f45238dea39dddae5a9b523edbcfa91acac07b2e5a98a8efc80d00f92\
    a2df1cea0bb49e2b4031234528a88f118c811c12ea8e0f6f2284133d361fc8632ddafe575575ba58\
    f13325a965b5e19eb7a65ae21eb39313";

const Q: &[u8] = b"dcab909a0bfba44355c2ab8e8d4a019aa201d45a869c073784551526f47b2a7b";

const G: &[u8] =
    b"32286fd2428a9a9e85651487c00f6467d75349296875eabe76abd45cfffb5f9a3e4ecbc7f25b049d\
    183df0655c652bb474ba84741f7b1b2ea91979835c529f487d5a22b6094f0b59364a701f7ec11767\
    0adaffcf6dd624ffeb081125d80d160e1fb93ac3df8adfd31c600c0b57b7ca91b89140fb13c1e318\
    20f3cfce5e7bbedeb0a6078aeb011b41d9d759f1e20fa3da2b381d0fa94dba3900361ba8966fae39\
    d8806880ad7c3a02bd4982faf3c3e4329dbbf910cfa9e70afcece334fde8b66eebffdf381ebdc20c\
    5cbc64670a85b9a8d956e62434bd225330046a06aca296ce376efe5dbac355e681226deb7286c6ab\
    58a26edf0ed64cf0b3fe1b9a947f9061";

/// A new key as OpenSSL's sequence of version, p, q, g, y and x; nothing if
/// there are no random bytes.
pub(super) fn generate() -> Option<Zeroizing<Vec<u8>>> {
    let number = |hexadecimal| BigUint::parse_bytes(hexadecimal, 16);
    let components = Components::from_components(number(P)?, number(Q)?, number(G)?).ok()?;
    let mut generator = SystemRandom { failed: false };
    let key = SigningKey::generate(&mut generator, components);
    if generator.failed {
        return None;
    }
    let public = key.verifying_key();
    let components = public.components();
    let integers = [
        components.p().to_bytes_be(),
        components.q().to_bytes_be(),
        components.g().to_bytes_be(),
        public.y().to_bytes_be(),
        key.x().to_bytes_be(),
    ];
    let mut body = Zeroizing::new(der::integer(&[]));
    for integer in &integers {
        body.extend(der::integer(integer));
    }
    Some(Zeroizing::new(der::sequence(&body)))
}

/// The system's generator for the DSA crate, whose interface cannot fail.
struct SystemRandom {
    failed: bool,
}

impl RngCore for SystemRandom {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.failed |= random_bytes(bytes).is_err();
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), dsa::signature::rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for SystemRandom {}
