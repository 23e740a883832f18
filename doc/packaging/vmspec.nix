# SPDX-License-Identifier: LGPL-2.1-or-later
# For Nix: callPackage ./vmspec.nix { }
{
  lib,
  stdenv,
  autoreconfHook,
  pkg-config,
  check,
  dosfstools,
  e2fsprogs,
  erofs-utils,
  jansson,
  libqcow,
  libxml2,
  mtools,
  python3,
  qemu-utils,
  util-linux,
  zlib,
}:

stdenv.mkDerivation {
  pname = "vmspec";
  version = "0.1.0";

  src = lib.cleanSource ../..;

  outputs = [ "out" "dev" "man" ];

  nativeBuildInputs = [ autoreconfHook pkg-config python3 ];

  buildInputs = [ e2fsprogs jansson libqcow libxml2 util-linux zlib ];

  # The unit tests have others judge what was made.
  nativeCheckInputs = [ check dosfstools e2fsprogs erofs-utils mtools qemu-utils util-linux ];
  checkInputs = [ check ];

  enableParallelBuilding = true;
  doCheck = true;
  checkTarget = "check-unit";

  meta = {
    description = "Virtual machines from typed descriptions: QEMU's arguments, images, and the running machine";
    license = lib.licenses.lgpl21Plus;
    platforms = lib.platforms.linux;
    mainProgram = "vmspec-run";
  };
}
