// The address somebody has just signed up with, so that "check your mail" can name it and send again. Gone with the tab.

const KEY = 'dispatch.mail';

/** @param {string} email */
export const rememberMail = (email) => sessionStorage.setItem(KEY, email);

export const rememberedMail = () => sessionStorage.getItem(KEY) ?? '';
