#!/usr/bin/env bash
# Makes the certificates and rows of the table of chains, with openssl and keytool, in the folder that is named:
#
#   NAME.crt, NAME.key   a certificate and its key
#   rows                 a line for each row: its name, the certificates that are trusted, the chain that is shown (the leaf
#                        first), and TLSv1.2 where that is what the client speaks; parted by tabs
#
# tests/tools/CertificateChains.java makes tests/data/certificate-chains.tsv of it.
set -euo pipefail
mkdir -p "$1"
cd "$1"
: > rows

# key NAME ALGORITHM: a private key in PKCS#8.
key() {
  case $2 in
    rsa*) openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa}" -out "$1.key" ;;
    pss*) openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out "$1.key" ;;
    restricted) openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
      -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32 -out "$1.key" ;;
    ed25519 | ed448) openssl genpkey -quiet -algorithm "$2" -out "$1.key" ;;
    dsa) openssl genpkey -quiet -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:2048 -out dsa.params
      openssl genpkey -quiet -paramfile dsa.params -out "$1.key" ;;
    *) openssl genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:$2" -pkeyopt ec_param_enc:named_curve -out "$1.key" ;;
  esac 2> /dev/null
}

# Settings of the next certificate; back to these after each.
usual() { kind=P-256 from=20200101000000Z until=21200101000000Z md=sha256 mask=utf8only more=() same_key=; }
usual

printf '[ca]\ndefault_ca=it\n[it]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\nunique_subject=no\npolicy=any\nemail_in_dn=yes\nname_opt=ca_default\n[any]\n' > ca.cnf
for field in countryName stateOrProvinceName localityName organizationName organizationalUnitName commonName emailAddress domainComponent serialNumber userId; do
  printf '%s=optional\n' "$field" >> ca.cnf
done

# issue NAME SUBJECT ISSUER [EXTENSION...]: ISSUER is a certificate's name or "self". Without extensions it is of version 1.
issue() {
  local name=$1 subject=$2 issuer=$3
  shift 3
  if [ -n "$same_key" ]; then cp "$same_key.key" "$name.key"; else key "$name" "$kind"; fi
  printf '[req]\ndistinguished_name=dn\nstring_mask=%s\nprompt=no\n[dn]\n' "$mask" > req.cnf
  openssl req -new -utf8 -multivalue-rdn -config req.cnf -key "$name.key" -subj "$subject" -out "$name.csr" 2> req.log
  : > ext.cnf
  local sections='' line
  printf '[ext]\n' > ext.cnf
  for line in "$@"; do
    case $line in
      \[*) sections=$sections$line$'\n' ;;
      *) printf '%s\n' "$line" >> ext.cnf ;;
    esac
  done
  # "[names] line; line" is a section of its own.
  printf '%s' "$sections" | sed -e 's/\] */]\n/' -e 's/; */\n/g' >> ext.cnf
  : > index
  local by=(-selfsign -keyfile "$name.key") extensions=(-extfile ext.cnf -extensions ext)
  [ "$issuer" = self ] || by=(-cert "$issuer.crt" -keyfile "$issuer.key")
  [ $# -gt 0 ] || extensions=()
  if ! openssl ca -batch -config ca.cnf -in "$name.csr" "${by[@]}" -md "$md" -notext -preserveDN -utf8 \
    -startdate "$from" -enddate "$until" "${extensions[@]}" "${more[@]}" -out "$name.crt" > ca.log 2>&1; then
    cat ca.log ext.cnf >&2
    exit 1
  fi
  rm -f ./*.pem
  usual
}

# row NAME ANCHORS CHAIN [PROTOCOL]
row() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4:-TLSv1.3}" >> rows; }

CA='basicConstraints=critical,CA:TRUE'
SIGN='keyUsage=critical,keyCertSign,cRLSign'
LEAF='basicConstraints=CA:FALSE'
USE='keyUsage=critical,digitalSignature'
CLIENT='extendedKeyUsage=clientAuth'
SKI='subjectKeyIdentifier=hash'
AKI='authorityKeyIdentifier=keyid'

issue server /CN=localhost self "$LEAF" 'subjectAltName=DNS:localhost'
issue root /O=rig/CN=Root self "$CA" "$SIGN" "$SKI"
issue int /O=rig/CN=Intermediate root "$CA" "$SIGN" "$SKI" "$AKI"
issue int2 '/O=rig/CN=Second Intermediate' int "$CA" "$SIGN" "$SKI" "$AKI"
issue other /O=rig/CN=Other self "$CA" "$SIGN" "$SKI"

# Chains.
issue leaf /O=rig/CN=alice root "$LEAF" "$USE" "$CLIENT" "$AKI"
issue leaf_int /O=rig/CN=alice int "$LEAF" "$USE" "$CLIENT" "$AKI"
issue leaf_int2 /O=rig/CN=alice int2 "$LEAF" "$USE" "$CLIENT"
issue leaf_other /O=rig/CN=alice other "$LEAF" "$USE" "$CLIENT"
row 'leaf of an authority' root leaf
row 'leaf of an authority, which is sent along' root 'leaf root'
row 'leaf of an authority nobody trusts' root leaf_other
row 'leaf of an authority nobody trusts, which is sent along' root 'leaf_other other'
row 'one intermediate' root 'leaf_int int'
row 'one intermediate and the root' root 'leaf_int int root'
row 'two intermediates' root 'leaf_int2 int2 int'
row 'two intermediates in the wrong order' root 'leaf_int2 int int2'
row 'two intermediates and the root in the wrong order' root 'leaf_int2 root int int2'
row 'intermediate is missing' root leaf_int
row 'upper intermediate is missing' root 'leaf_int2 int2'
row 'lower intermediate is missing' root 'leaf_int2 int'
row 'superfluous certificates at the end' root 'leaf_int int other leaf_other'
row 'superfluous certificates in between' root 'leaf_int other leaf_other int'
row 'the intermediate twice' root 'leaf_int int int'
row 'the leaf twice' root 'leaf leaf'
row 'an intermediate is trusted' int leaf_int
row 'an intermediate is trusted, and it and the root are sent along' int 'leaf_int int root'
row 'a lower intermediate is trusted' int2 'leaf_int2 int2 int'
row 'several trusted, one of them right' 'other root' leaf
row 'an authority as a client' root int
row 'the trusted authority as a client' root root
row 'version 1' root "$(issue leaf_v1 /O=rig/CN=alice root && echo leaf_v1)"
row 'version 1 of an intermediate' root "$(issue leaf_v1_int /O=rig/CN=alice int && echo leaf_v1_int) int"

# Anchors that are no authorities.
for pin in 'false:basicConstraints=CA:FALSE' 'critical_false:basicConstraints=critical,CA:FALSE' 'none:subjectKeyIdentifier=hash'; do
  issue "pin_${pin%%:*}" /O=rig/CN=pinned self "${pin#*:}"
done
issue pin_issued /O=rig/CN=pinned other "$LEAF" "$USE"
issue pin_int /O=rig/CN=pinned int "$LEAF" "$USE"
issue pin_no_sign /O=rig/CN=pinned self "$CA" 'keyUsage=digitalSignature,cRLSign'
issue pin_ca /O=rig/CN=pinned self "$CA"
issue pin_v1 /O=rig/CN=pinned self
issue pin_server /O=rig/CN=pinned self "$LEAF" 'extendedKeyUsage=serverAuth'
issue pin_encipher /O=rig/CN=pinned self "$LEAF" 'keyUsage=keyEncipherment'
issue pin_critical /O=rig/CN=pinned self "$LEAF" '1.2.3.4=critical,ASN1:NULL'
from=20000101000000Z until=20010101000000Z
issue pin_expired /O=rig/CN=pinned self "$LEAF"
from=21000101000000Z
issue pin_early /O=rig/CN=pinned self "$LEAF"
for pin in false critical_false none issued no_sign ca v1; do
  issue "below_$pin" /O=rig/CN=super "pin_$pin" "$LEAF" "$USE" "$CLIENT"
  issue "int_$pin" /O=rig/CN=Made "pin_$pin" "$CA" "$SIGN"
  issue "deep_$pin" /O=rig/CN=super "int_$pin" "$LEAF" "$USE" "$CLIENT"
  row "pinned, $pin" "pin_$pin" "pin_$pin"
  row "pinned, $pin, signs another" "pin_$pin" "below_$pin"
  row "pinned, $pin, signs another and is sent along" "pin_$pin" "below_$pin pin_$pin"
  row "pinned, $pin, signs an intermediate" "pin_$pin" "deep_$pin int_$pin"
  row "pinned, $pin, signs an intermediate, beside a true authority" "root pin_$pin" "deep_$pin int_$pin pin_$pin"
done
row 'pinned, issued by another, and that is sent along' pin_issued 'pin_issued other'
row 'pinned, issued by an intermediate' pin_int 'pin_int int'
row 'pinned, for servers' pin_server pin_server
row 'pinned, keyUsage without digitalSignature' pin_encipher pin_encipher
row 'pinned, unknown critical extension' pin_critical pin_critical
row 'pinned, expired' pin_expired pin_expired
row 'pinned, not valid yet' pin_early pin_early
same_key=pin_false
issue pin_again /O=rig/CN=pinned self "$LEAF"
row 'another certificate of a pinned name and key' pin_false pin_again
same_key=pin_ca
issue pin_ca_again /O=rig/CN=pinned self "$CA"
row 'another certificate of a pinned name and key, which is an authority' pin_ca pin_ca_again
issue pin_namesake /O=rig/CN=pinned self "$LEAF"
row 'another key of a pinned name' pin_false pin_namesake
row 'another key of a pinned name, and the pinned is sent along' pin_false 'pin_namesake pin_false'

# Intermediates that may not issue.
issue int_leaf /O=rig/CN=NoAuthority root "$LEAF" "$USE"
issue int_nobc /O=rig/CN=NoAuthority root "$SKI"
issue int_nosign /O=rig/CN=NoAuthority root "$CA" "$USE"
issue int_nousage /O=rig/CN=NoAuthority root "$CA"
issue int_v1 /O=rig/CN=NoAuthority root
for int in leaf nobc nosign nousage v1; do
  issue "under_$int" /O=rig/CN=super "int_$int" "$LEAF" "$USE"
  row "intermediate, $int" root "under_$int int_$int"
  row "intermediate, $int, in disorder" root "under_$int other int_$int"
done

# Path length.
issue root_0 '/O=rig/CN=Root of length 0' self 'basicConstraints=critical,CA:TRUE,pathlen:0' "$SIGN"
issue int_of_0 /O=rig/CN=Intermediate root_0 "$CA" "$SIGN"
issue leaf_of_0 /O=rig/CN=alice root_0 "$LEAF"
issue leaf_int_of_0 /O=rig/CN=alice int_of_0 "$LEAF"
issue int_0 '/O=rig/CN=Intermediate of length 0' root 'basicConstraints=critical,CA:TRUE,pathlen:0' "$SIGN"
issue int_below_0 /O=rig/CN=Below int_0 "$CA" "$SIGN"
issue leaf_int_0 /O=rig/CN=alice int_0 "$LEAF"
issue leaf_below_0 /O=rig/CN=alice int_below_0 "$LEAF"
issue int_self_0 '/O=rig/CN=Intermediate of length 0' int_0 "$CA" "$SIGN"
issue leaf_self_0 /O=rig/CN=alice int_self_0 "$LEAF"
row 'path length 0 of the anchor, kept' root_0 leaf_of_0
row 'path length 0 of the anchor, exceeded' root_0 'leaf_int_of_0 int_of_0'
row 'path length 0, kept' root 'leaf_int_0 int_0'
row 'path length 0, exceeded' root 'leaf_below_0 int_below_0 int_0'
row 'path length 0, exceeded by a self-issued one' root 'leaf_self_0 int_self_0 int_0'
row 'path length 0, and the leaf is an authority' root "$(issue ca_of_0 /O=rig/CN=alice int_0 "$CA" && echo ca_of_0) int_0"

# Times.
from=20000101000000Z until=20010101000000Z
issue old_root '/O=rig/CN=Old Root' self "$CA" "$SIGN"
issue leaf_old_root /O=rig/CN=alice old_root "$LEAF"
from=20000101000000Z until=20010101000000Z
issue old_int '/O=rig/CN=Old Intermediate' root "$CA" "$SIGN"
issue leaf_old_int /O=rig/CN=alice old_int "$LEAF"
from=20000101000000Z until=20010101000000Z
issue old_leaf /O=rig/CN=alice root "$LEAF"
from=21000101000000Z
issue early_leaf /O=rig/CN=alice root "$LEAF"
from=21000101000000Z
issue early_int '/O=rig/CN=Early Intermediate' root "$CA" "$SIGN"
issue leaf_early_int /O=rig/CN=alice early_int "$LEAF"
row 'anchor has expired' old_root leaf_old_root
row 'anchor has expired, and is sent along' old_root 'leaf_old_root old_root'
row 'intermediate has expired' root 'leaf_old_int old_int'
row 'leaf has expired' root old_leaf
row 'leaf is not valid yet' root early_leaf
row 'intermediate is not valid yet' root 'leaf_early_int early_int'
same_key=old_int
issue new_int '/O=rig/CN=Old Intermediate' root "$CA" "$SIGN"
row 'intermediate has expired, and the renewed one is sent behind it' root 'leaf_old_int old_int new_int'
row 'intermediate has expired, and the renewed one is sent before it' root 'leaf_old_int new_int old_int'

# Key rollover and cross-signatures.
issue root_b /O=rig/CN=Root self "$CA" "$SIGN" "$SKI"
issue leaf_b /O=rig/CN=alice root_b "$LEAF" "$AKI"
issue leaf_b_without /O=rig/CN=alice root_b "$LEAF"
row 'two anchors of a name, the first has issued it' 'root root_b' leaf
row 'two anchors of a name, the second has issued it' 'root root_b' leaf_b
row 'two anchors of a name, the second, without a key identifier' 'root root_b' leaf_b_without
row 'another anchor of its name' root leaf_b
same_key=other
issue cross_other /O=rig/CN=Other root "$CA" "$SIGN" "$SKI"
row 'cross-signed' root 'leaf_other cross_other'
row 'cross-signed, and the self-signed one is sent before it' root 'leaf_other other cross_other'
row 'cross-signed, and the self-signed one is sent behind it' root 'leaf_other cross_other other'
same_key=root_b
issue link_b /O=rig/CN=Root root "$CA" "$SIGN" "$SKI"
row 'rollover by a self-issued certificate' root 'leaf_b link_b'
from=20000101000000Z until=20010101000000Z same_key=other
issue cross_old /O=rig/CN=Other root "$CA" "$SIGN" "$SKI"
row 'cross-signed, expired, and the self-signed one is trusted' other 'leaf_other cross_old'
same_key=root
issue root_anew /O=rig/CN=Root self "$CA" "$SIGN" "$SKI"
row 'anchor was renewed with its key, the old one is trusted' root 'leaf root_anew'
row 'anchor was renewed with its key, the new one is trusted' root_anew 'leaf root'

# Names.
mask=nombstr
issue int_t61 '/C=de/O=rig/CN=Jürgen CA' root "$CA" "$SIGN"
same_key=int_t61
issue int_utf8 '/C=DE/O=RIG/CN=jürgen  ca' root "$CA" "$SIGN"
issue leaf_utf8 /O=rig/CN=alice int_utf8 "$LEAF"
row 'issuer in other strings, case and blanks' root 'leaf_utf8 int_t61'
mask=default
issue int_printable /O=rig/CN=Printable root "$CA" "$SIGN"
same_key=int_printable
issue int_in_utf8 /O=rig/CN=Printable root "$CA" "$SIGN"
issue leaf_in_utf8 /O=rig/CN=alice int_in_utf8 "$LEAF"
row 'issuer is a PrintableString here and a UTF8String there' root 'leaf_in_utf8 int_printable'
same_key=root
issue root_upper '/O=RIG/CN=ROOT' self "$CA" "$SIGN"
issue leaf_upper /O=rig/CN=alice root_upper "$LEAF"
row 'issuer in other letter case, trusted' root leaf_upper
same_key=root
issue root_blanks '/O=rig/CN=  Root  ' self "$CA" "$SIGN"
issue leaf_blanks /O=rig/CN=alice root_blanks "$LEAF"
row 'issuer with blanks at the ends, trusted' root leaf_blanks
issue leaf_nobody / root "$LEAF" 'subjectAltName=critical,DNS:alice.example'
row 'empty subject' root leaf_nobody
issue leaf_multi '/O=rig/CN=alice+OU=here' root "$LEAF"
row 'several attributes in an RDN' root leaf_multi

# Purposes.
n=0
purpose() { n=$((n + 1)); local name="purpose_$n" title=$1 issuer=$2; shift 2; issue "$name" /O=rig/CN=alice "$issuer" "$@"; row "$title" root "$name${issuer/#root/}"; }
purpose 'no extensions but CA:FALSE' root "$LEAF"
purpose 'clientAuth' root "$CLIENT"
purpose 'serverAuth' root 'extendedKeyUsage=serverAuth'
purpose 'serverAuth and clientAuth' root 'extendedKeyUsage=serverAuth,clientAuth'
purpose 'critical clientAuth' root 'extendedKeyUsage=critical,clientAuth'
purpose 'anyExtendedKeyUsage' root 'extendedKeyUsage=anyExtendedKeyUsage'
purpose 'critical anyExtendedKeyUsage' root 'extendedKeyUsage=critical,anyExtendedKeyUsage'
purpose 'codeSigning' root 'extendedKeyUsage=codeSigning'
purpose 'keyUsage of keyEncipherment alone' root 'keyUsage=keyEncipherment'
purpose 'keyUsage of nonRepudiation alone' root 'keyUsage=nonRepudiation'
purpose 'keyUsage of keyAgreement alone' root 'keyUsage=keyAgreement'
purpose 'keyUsage of keyCertSign alone' root "$CA" 'keyUsage=keyCertSign'
purpose 'nsCertType client' root 'nsCertType=client'
purpose 'nsCertType server' root 'nsCertType=server'
purpose 'critical nsCertType client' root 'nsCertType=critical,client'
purpose 'unknown extension' root '1.2.3.4=ASN1:NULL'
purpose 'unknown critical extension' root '1.2.3.4=critical,ASN1:NULL'
purpose 'critical subjectAltName' root 'subjectAltName=critical,DNS:alice.example'
purpose 'critical policy' root 'certificatePolicies=critical,1.2.3.4'
purpose 'critical key identifier' root 'subjectKeyIdentifier=critical,hash'
purpose 'critical CRL distribution points' root 'crlDistributionPoints=critical,URI:http://127.0.0.1/crl'
intermediate() {
  n=$((n + 1))
  local title=$1
  shift
  issue "int_$n" "/O=rig/CN=Intermediate $n" root "$CA" "$@"
  issue "leaf_$n" /O=rig/CN=alice "int_$n" "$LEAF" "$CLIENT"
  row "intermediate: $title" root "leaf_$n int_$n"
}
intermediate 'clientAuth' "$CLIENT"
intermediate 'serverAuth' 'extendedKeyUsage=serverAuth'
intermediate 'critical serverAuth' 'extendedKeyUsage=critical,serverAuth'
intermediate 'anyExtendedKeyUsage' 'extendedKeyUsage=anyExtendedKeyUsage'
intermediate 'unknown critical extension' '1.2.3.4=critical,ASN1:NULL'
intermediate 'critical policy' 'certificatePolicies=critical,1.2.3.4'
intermediate 'requireExplicitPolicy, no policies' 'policyConstraints=critical,requireExplicitPolicy:0'
intermediate 'inhibitPolicyMapping' 'policyConstraints=critical,inhibitPolicyMapping:0'
intermediate 'inhibitAnyPolicy' 'inhibitAnyPolicy=critical,0'
intermediate 'nsCertType sslCA' 'nsCertType=sslCA'
issue int_policy '/O=rig/CN=Intermediate with policies' root "$CA" 'certificatePolicies=1.2.3.4' 'policyConstraints=critical,requireExplicitPolicy:0'
issue leaf_policy /O=rig/CN=alice int_policy "$LEAF" 'certificatePolicies=1.2.3.4'
row 'intermediate: requireExplicitPolicy, with policies' root 'leaf_policy int_policy'
issue root_server '/O=rig/CN=Root for servers' self "$CA" 'extendedKeyUsage=serverAuth'
issue leaf_root_server /O=rig/CN=alice root_server "$LEAF"
row 'anchor: serverAuth' root_server leaf_root_server
issue root_critical '/O=rig/CN=Critical Root' self "$CA" '1.2.3.4=critical,ASN1:NULL'
issue leaf_root_critical /O=rig/CN=alice root_critical "$LEAF"
row 'anchor: unknown critical extension' root_critical leaf_root_critical

# Name constraints.
constrained() {
  n=$((n + 1))
  local title=$1 constraints=$2 subject=$3
  shift 3
  local sections=()
  case $constraints in *dirName:*) sections=('[names] O=rig; OU=clients') ;; esac
  issue "int_$n" "/O=rig/CN=Constrained $n" root "$CA" "nameConstraints=critical,$constraints" "${sections[@]}"
  issue "leaf_$n" "$subject" "int_$n" "$LEAF" "$@"
  row "constraints: $title" root "leaf_$n int_$n"
}
NAMES='permitted;dirName:names'
constrained 'directory, kept' "$NAMES" /O=rig/OU=clients/CN=alice
constrained 'directory, kept in another letter case' "$NAMES" /O=RIG/OU=Clients/CN=alice
constrained 'directory, broken' "$NAMES" /O=rig/OU=admins/CN=super
constrained 'directory, empty subject' "$NAMES" / 'subjectAltName=critical,DNS:a.example'
constrained 'directory excluded, kept' 'excluded;dirName:names' /O=rig/OU=admins/CN=alice
constrained 'directory excluded, broken' 'excluded;dirName:names' /O=rig/OU=clients/CN=alice
constrained 'directory excluded, broken in another letter case' 'excluded;dirName:names' /O=Rig/OU=CLIENTS/CN=alice
constrained 'host, kept' 'permitted;DNS:example.com' /O=rig/CN=alice 'subjectAltName=DNS:a.example.com'
constrained 'host, kept by the domain itself' 'permitted;DNS:example.com' /O=rig/CN=alice 'subjectAltName=DNS:example.com'
constrained 'host, broken' 'permitted;DNS:example.com' /O=rig/CN=alice 'subjectAltName=DNS:a.example.org'
constrained 'host, broken by one of two' 'permitted;DNS:example.com' /O=rig/CN=alice 'subjectAltName=DNS:a.example.com,DNS:anexample.com'
constrained 'host, and the common name could be one' 'permitted;DNS:example.com' /O=rig/CN=alice
constrained 'host, and the common name is one, kept' 'permitted;DNS:example.com' /O=rig/CN=a.example.com
constrained 'host, and the leaf has none' 'permitted;DNS:example.com' '/O=rig/CN=Alice the First'
constrained 'host excluded, broken' 'excluded;DNS:example.com' /O=rig/CN=alice 'subjectAltName=DNS:A.Example.com'
constrained 'host excluded, kept' 'excluded;DNS:example.com' /O=rig/CN=alice 'subjectAltName=DNS:a.example.org'
constrained 'host with a dot before it, kept' 'permitted;DNS:.example.com' /O=rig/CN=alice 'subjectAltName=DNS:a.example.com'
constrained 'host, kept by a wildcard' 'permitted;DNS:example.com' /O=rig/CN=alice 'subjectAltName=DNS:*.example.com'
constrained 'mailbox, kept' 'permitted;email:example.com' /O=rig/CN=alice 'subjectAltName=email:a@example.com'
constrained 'mailbox, broken' 'permitted;email:example.com' /O=rig/CN=alice 'subjectAltName=email:a@b.example.com'
constrained 'mailbox in the subject, broken' 'permitted;email:example.com' /O=rig/CN=alice/emailAddress=a@example.org
constrained 'mailbox in the subject, kept' 'permitted;email:example.com' /O=rig/CN=alice/emailAddress=a@example.com
constrained 'address, kept' 'permitted;IP:10.0.0.0/255.0.0.0' /O=rig/CN=alice 'subjectAltName=IP:10.1.2.3'
constrained 'address, broken' 'permitted;IP:10.0.0.0/255.0.0.0' /O=rig/CN=alice 'subjectAltName=IP:11.1.2.3'
constrained 'address of the other family' 'permitted;IP:10.0.0.0/255.0.0.0' /O=rig/CN=alice 'subjectAltName=IP:0:0:0:0:0:0:0:1'
constrained 'URI, kept' 'permitted;URI:example.com' /O=rig/CN=alice 'subjectAltName=URI:spiffe://example.com/alice'
constrained 'URI, broken' 'permitted;URI:example.com' /O=rig/CN=alice 'subjectAltName=URI:spiffe://example.org/alice'
constrained 'URI of a domain, kept' 'permitted;URI:.example.com' /O=rig/CN=alice 'subjectAltName=URI:https://a.example.com/'
constrained 'URI without a host' 'permitted;URI:example.com' /O=rig/CN=alice 'subjectAltName=URI:urn:alice'
constrained 'two kinds, both kept' 'permitted;DNS:example.com,permitted;dirName:names' /O=rig/OU=clients/CN=alice 'subjectAltName=DNS:a.example.com'
constrained 'two kinds, one broken' 'permitted;DNS:example.com,permitted;dirName:names' /O=rig/OU=admins/CN=alice 'subjectAltName=DNS:a.example.com'
constrained 'otherName, and the leaf has one' 'permitted;otherName:1.2.3.4;UTF8:a' /O=rig/CN=alice 'subjectAltName=otherName:1.2.3.4;UTF8:a'
constrained 'otherName, and the leaf has none' 'permitted;otherName:1.2.3.4;UTF8:a' /O=rig/CN=alice 'subjectAltName=DNS:a.example.com'
issue root_names '/O=rig/OU=clients/CN=Constrained Root' self "$CA" "$SIGN" "nameConstraints=critical,$NAMES" '[names] O=rig; OU=clients'
issue leaf_root_names /O=rig/OU=clients/CN=alice root_names "$LEAF"
issue leaf_root_broken /O=rig/OU=admins/CN=super root_names "$LEAF"
row 'constraints of the anchor, kept' root_names leaf_root_names
row 'constraints of the anchor, broken' root_names leaf_root_broken
issue int_wide '/O=rig/OU=clients/CN=Wide' root "$CA" 'nameConstraints=critical,permitted;DNS:example.com'
issue int_narrow '/O=rig/OU=clients/CN=Narrow One' int_wide "$CA" 'nameConstraints=critical,permitted;DNS:a.example.com'
issue leaf_narrow /O=rig/CN=alice int_narrow "$LEAF" 'subjectAltName=DNS:b.a.example.com'
issue leaf_too_wide /O=rig/CN=alice int_narrow "$LEAF" 'subjectAltName=DNS:b.example.com'
row 'constraints of two, kept' root 'leaf_narrow int_narrow int_wide'
issue int_host /O=rig/CN=Narrow int_wide "$CA"
issue leaf_host /O=rig/CN=alice int_host "$LEAF" 'subjectAltName=DNS:a.example.com'
row 'constraints of an intermediate, whose common name could be a host' root 'leaf_host int_host int_wide'
row 'constraints of two, the lower broken' root 'leaf_too_wide int_narrow int_wide'

# Keys and algorithms.
for kind in rsa1024 rsa2048 rsa3072 rsa4096 pss restricted P-384 P-521 P-224 secp256k1 brainpoolP256r1 ed25519 ed448 dsa; do
  as=$kind
  issue "key_$as" /O=rig/CN=alice root "$LEAF"
  row "key: $as" root "key_$as"
  [ $as != dsa ] || row "key: $as, TLS 1.2" root "key_$as" TLSv1.2
  case $as in ed448 | ed25519) digest=null ;; *) digest=sha256 ;; esac
  kind=$as md=$digest
  issue "ca_$as" "/O=rig/CN=CA $as" self "$CA" "$SIGN"
  md=$digest
  issue "of_$as" /O=rig/CN=alice "ca_$as" "$LEAF"
  row "signed by: $as" "ca_$as" "of_$as"
  kind=$as md=$digest
  issue "pin_$as" /O=rig/CN=pinned self "$LEAF"
  row "pinned, key: $as" "pin_$as" "pin_$as"
done
for md in sha1 sha224 sha384 sha512 md5; do
  as=$md
  kind=rsa2048 md=sha256
  issue "ca_$as" "/O=rig/CN=CA $as" self "$CA" "$SIGN"
  md=$as
  issue "of_$as" /O=rig/CN=alice "ca_$as" "$LEAF"
  row "RSA with $as" "ca_$as" "of_$as"
done
md=sha1
issue ec_sha1 /O=rig/CN=alice root "$LEAF"
row 'ECDSA with SHA-1' root ec_sha1
md=sha512
issue ec_sha512 /O=rig/CN=alice root "$LEAF"
row 'ECDSA on P-256 with SHA-512' root ec_sha512
md=sha1
issue int_sha1 /O=rig/CN=Intermediate-SHA-1 root "$CA"
issue leaf_int_sha1 /O=rig/CN=alice int_sha1 "$LEAF"
row 'intermediate: ECDSA with SHA-1' root 'leaf_int_sha1 int_sha1'
kind=rsa2048 md=sha1
issue root_sha1 '/O=rig/CN=Root SHA-1' self "$CA"
issue leaf_root_sha1 /O=rig/CN=alice root_sha1 "$LEAF"
row 'anchor: self-signed with SHA-1' root_sha1 leaf_root_sha1
row 'anchor: self-signed with SHA-1, and is sent along' root_sha1 'leaf_root_sha1 root_sha1'
kind=rsa2048
issue ca_salt '/O=rig/CN=CA RSA-PSS' self "$CA" "$SIGN"
for salt in 32 20 64; do
  more=(-sigopt rsa_padding_mode:pss -sigopt "rsa_pss_saltlen:$salt")
  issue "pss_$salt" /O=rig/CN=alice ca_salt "$LEAF"
  row "RSA-PSS with a salt of $salt" ca_salt "pss_$salt"
done
more=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48) md=sha384
issue pss_384 /O=rig/CN=alice ca_salt "$LEAF"
row 'RSA-PSS with SHA-384' ca_salt pss_384
more=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha1)
issue pss_mixed /O=rig/CN=alice ca_salt "$LEAF"
row 'RSA-PSS with SHA-256 and a mask by SHA-1' ca_salt pss_mixed

# Long chains.
before=root
chain=
for i in 1 2 3 4 5 6 7 8 9 10; do
  issue "long_$i" "/O=rig/CN=Long $i" "$before" "$CA"
  issue "long_leaf_$i" /O=rig/CN=alice "long_$i" "$LEAF"
  chain="long_$i${chain:+ $chain}" before=long_$i
  case $i in 4 | 6 | 7 | 8 | 9 | 10) row "a chain of $((i + 1))" root "long_leaf_$i $chain" ;; esac
done

# By keytool.
store() { keytool -storepass changeit -keystore keytool.p12 -storetype PKCS12 "$@" 2> /dev/null; }
rm -f keytool.p12
VALID='-startdate 2020/01/01 -validity 36500'
store -genkeypair -alias ktca -keyalg EC -groupname secp256r1 -dname 'CN=Keytool CA, O=rig' -ext bc:c $VALID
store -genkeypair -alias ktleaf -keyalg EC -groupname secp256r1 -dname 'CN=alice, O=rig' $VALID
store -genkeypair -alias ktself -keyalg RSA -keysize 2048 -dname 'CN=pinned, O=rig' $VALID
store -genkeypair -alias ktpss -keyalg RSASSA-PSS -keysize 2048 -dname 'CN=alice, O=rig' $VALID
store -genkeypair -alias kted -keyalg Ed25519 -dname 'CN=alice, O=rig' $VALID
keytool_sign() {
  store -certreq -alias "$1" -file "$1.csr"
  store -gencert -alias ktca -infile "$1.csr" -outfile "$1.pem" -rfc $VALID "${@:2}"
  openssl x509 -in "$1.pem" -out "$1.crt"
}
for alias in ktca ktself; do store -exportcert -rfc -alias $alias -file $alias.pem; openssl x509 -in $alias.pem -out $alias.crt; done
keytool_sign ktleaf -ext ku=digitalSignature -ext eku=clientAuth
keytool_sign ktpss
keytool_sign kted
for alias in ktca ktleaf ktself ktpss kted; do
  openssl pkcs12 -in keytool.p12 -passin pass:changeit -nodes -nocerts -out all.key 2> /dev/null
  awk -v name="$alias" '/friendlyName:/ { found = ($2 == name) } /BEGIN PRIVATE/ { on = found } on { print } /END PRIVATE/ { on = 0 }' all.key > "$alias.key"
done
row 'keytool: leaf of an authority' ktca ktleaf
row 'keytool: self-signed, pinned' ktself ktself
row 'keytool: RSASSA-PSS' ktca ktpss
row 'keytool: Ed25519' ktca kted
issue below_ktself /O=rig/CN=super ktself "$LEAF"
row 'keytool: self-signed, pinned, signs another' ktself below_ktself

rm -f ./*.csr ./*.pem ./*.log ./*.cnf ./*.p12 index* all.key dsa.params
