#include <errno.h>
#include <vmspec/vmspec.h>
__attribute__((weak)) int vmspec_image_info (const char *file, uint32_t format, vmspec_diag *diag, struct vmspec_image_info **ret_info) { (void) file, (void) format, (void) diag, (void) ret_info; return -ENOSYS; }
__attribute__((weak)) void vmspec_image_info_free (struct vmspec_image_info *info) { (void) info; }
__attribute__((weak)) int vmspec_system_image (const struct vmspec_system_image *image, const struct vmspec_work *work, vmspec_diag *diag) { (void) image, (void) work, (void) diag; return -ENOSYS; }
