# SPDX-License-Identifier: Apache-2.0
cages_test(image_attacks_test SOURCES attacks/image_test.cpp LINK cages_image)
