// Before the first paint: pages with scripts hide what is only for those without.
document.documentElement.classList.add('js');
